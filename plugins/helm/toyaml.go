package helm

import (
	"math"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v2"
	"helm.sh/helm/v4/pkg/chart/common"
	slow "sigs.k8s.io/yaml"
)

// toYAML is helm's function without its detour: that writes JSON, and has it
// parsed as YAML, to learn which number is an integer. Charts spend more time
// there than in anything else. What it cannot tell for sure goes the long way.
func toYAML(v any) string {
	text, err := mustToYAML(v)
	if err != nil {
		return "" // as helm does
	}
	return text
}

func mustToYAML(v any) (string, error) {
	marshal := yaml.Marshal
	tree, ok := plainly(v, maxPlainDepth)
	if !ok {
		marshal, tree = slow.Marshal, v
	}
	data, err := marshal(tree)
	return strings.TrimSuffix(string(data), "\n"), err
}

const (
	maxPlainDepth = 64
	// maxPlainKey is far less than the 1,024 bytes from which on YAML's parser takes
	// a key for none.
	maxPlainKey = 256
)

// plainly copies a value with the numbers that JSON and YAML would make of them.
// It reports false of what it does not know, or these would refuse or change.
func plainly(v any, depth int) (any, bool) {
	if depth == 0 {
		return nil, false
	}
	switch v := v.(type) {
	case nil, bool, int, int64:
		return v, true
	case string:
		return v, plainText(v)
	case float64:
		return plainNumber(v)
	case map[string]any:
		return plainMap(v, depth)
	case common.Values:
		return plainMap(v, depth)
	case []any:
		return plainList(v, depth)
	case []string:
		return v, v != nil && !strings.ContainsFunc(strings.Join(v, ""), isOdd)
	}
	return nil, false
}

func plainMap(m map[string]any, depth int) (any, bool) {
	if m == nil {
		return nil, true
	}
	out := make(map[string]any, len(m))
	for key, value := range m {
		plain, ok := plainly(value, depth-1)
		if !ok || key == "<<" || len(key) > maxPlainKey || !plainText(key) {
			return nil, false
		}
		out[key] = plain
	}
	return out, true
}

func plainList(list []any, depth int) (any, bool) {
	if list == nil {
		return nil, true
	}
	out := make([]any, len(list))
	for i, value := range list {
		var ok bool
		if out[i], ok = plainly(value, depth-1); !ok {
			return nil, false
		}
	}
	return out, true
}

// plainNumber knows the numbers that JSON writes without an exponent.
func plainNumber(f float64) (any, bool) {
	const most, least = 1e15, 1e-5
	size := math.Abs(f)
	switch {
	case f == 0:
		return 0, !math.Signbit(f)
	case size == math.Trunc(size) && size < most:
		return int64(f), true
	case size > least && size < most:
		return f, true
	}
	return nil, false
}

func plainText(s string) bool { return !strings.ContainsFunc(s, isOdd) }

// isOdd says of characters that YAML's parser may refuse or take for a break, and
// of bytes that are none.
func isOdd(r rune) bool {
	return r < ' ' && r != '\n' && r != '\t' || r > '~' && r < 0xa0 || r >= 0x2028 && r <= 0x2029 || r == 0xfeff || r >= 0xfffe && r <= 0xffff || r == utf8.RuneError
}
