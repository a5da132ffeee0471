package helm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	slow "sigs.k8s.io/yaml"
)

// helmToYAML is what helm's function says.
func helmToYAML(v any) string {
	data, err := slow.Marshal(v)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(data), "\n")
}

// TestToYAML: what the short way gives is what the long way gives, for all that is
// odd in YAML or JSON, on its own and in a tree.
func TestToYAML(t *testing.T) {
	odd := []any{
		nil, true, false, 0, -1, int64(1) << 60, math.MaxInt64, 0.0, math.Copysign(0, -1), 1.0, -3.0, 0.5, 1e6, 1e15, 1e15 - 1, 1e16, 1e21, 1e22, 1e-5, 1e-6, 1e-7,
		123456789.25, math.Pi, math.MaxFloat64, math.SmallestNonzeroFloat64, math.Inf(1), math.NaN(), uint64(math.MaxUint64), int8(3), float32(0.1),
		"", " ", "a", "yes", "no", "on", "y", "n", "~", "null", "Null", "true", "0", "08", "0x1f", "0o7", "1_000", "1e3", ".5", "-", "- a", "a: b", "a #b", "#", "&a", "*a", "!a", "|", ">", "%", "@", "`",
		"2001-01-01", "2001-01-01T00:00:00Z", "12:30:45", "<<", "=", "<a>&", "é", "日本", "🙂", "\u00a0", "\u0085", "\u2028", "\u2029", "\ufeff", "\ufffd", "\x00", "\x1b", "\x7f", "\xff", "a\nb", "a\nb\n", "\n", "a\n\n", " a\n b", "a\tb", "\t", "a\r\nb",
		strings.Repeat("x ", 200), strings.Repeat("k", 300), "\"", "'", "a'b\"c", "\\", "{{ x }}", "[a]", "{a: b}", "a, b", "?", "? a", ":", "a:", "...", "---", "--- a",
		[]any(nil), []any{}, map[string]any(nil), map[string]any{}, []string(nil), []string{}, []string{"a", "no"}, []string{"\x00"}, common.Values{"a": 1.0}, common.Values(nil),
		map[string]string{"b": "2", "a": "1"}, map[string]int{"a": 1}, struct {
			A int `json:"a"`
		}{1},
	}
	for _, v := range odd {
		for _, tree := range []any{v, []any{v, "x"}, map[string]any{"k": v}, map[string]any{"a": []any{map[string]any{"b": v}}}} {
			check(t, tree)
		}
		if key, ok := v.(string); ok {
			check(t, map[string]any{key: 1.0, "a10": 1, "a9": map[string]any{key: key}})
		}
	}
	deep := any("x")
	for range maxPlainDepth + 10 {
		deep = []any{deep}
	}
	check(t, deep)
	seed := rand.Uint64()
	t.Log("seed", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 2000 {
		check(t, randomTree(random, odd, 4))
	}
}

func check(t *testing.T, v any) {
	t.Helper()
	if got, want := toYAML(v), helmToYAML(v); got != want {
		t.Errorf("%#v:\n%s\nhelm has\n%s", v, got, want)
	}
}

func randomTree(random *rand.Rand, leaves []any, depth int) any {
	n := random.IntN(5)
	switch kind := random.IntN(3); {
	case depth == 0 || kind == 0:
		return leaves[random.IntN(len(leaves))]
	case kind == 1:
		list := make([]any, n)
		for i := range list {
			list[i] = randomTree(random, leaves, depth-1)
		}
		return list
	}
	m := map[string]any{}
	for range n {
		key, ok := leaves[random.IntN(len(leaves))].(string)
		if !ok {
			key = fmt.Sprint("k", random.IntN(20))
		}
		m[key] = randomTree(random, leaves, depth-1)
	}
	return m
}

// TestPlainly: most values take the short way.
func TestPlainly(t *testing.T) {
	values := map[string]any{"replicas": 2.0, "image": "a:1", "on": true, "list": []any{"a", 0.5}, "labels": map[string]any{"x/y": "é"}}
	if _, ok := plainly(values, maxPlainDepth); !ok {
		t.Error("values of a chart take the long way")
	}
}
