package render

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tidelock-io/tidelock/plugins/sops/detect"
	"github.com/tidelock-io/tidelock/secrets"
	"github.com/tidelock-io/tidelock/secrets/leak"
)

// known is how to know the values of Secrets again that a renderer is given: each
// value of a file that has such, else the whole.
func known(values []Value) (all []leak.Secret) {
	for _, v := range values {
		if !v.Secret {
			continue
		}
		found := items{}
		if v.Path != "" || !found.read(v.format(), v.bytes()) {
			found = items{v.Key: v.bytes()}
		}
		for _, path := range slices.Sorted(maps.Keys(found)) {
			if s, ok := leak.New(v.From, strings.Split(path, "\x00"), secrets.New(found[path])); ok {
				all = append(all, s)
			}
		}
	}
	return all
}

// format is what a value is read as.
func (v *Value) format() string {
	if v.File == "" {
		return "yaml" // a Helm value file
	}
	return detect.Format(v.File)
}

// items are values by the keys that lead to them, which NULs part.
type items map[string][]byte

// read finds the values of a text; false if it has none of its own.
func (l items) read(format string, text []byte) bool {
	switch format {
	case "yaml", "json":
		return l.documents(text)
	case "dotenv":
		l.lines(text)
	}
	return len(l) > 0
}

func (l items) documents(text []byte) bool {
	for d := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var node any
		switch err := d.Decode(&node); {
		case errors.Is(err, io.EOF):
			return len(l) > 0
		case err != nil:
			return false
		}
		object, _ := node.(map[string]any)
		if object["kind"] != nil && object["apiVersion"] != nil {
			for _, names := range []string{"kind", "apiVersion", "metadata"} { // for all to see
				delete(object, names)
			}
		}
		l.walk("", node)
	}
}

func (l items) walk(at string, node any) {
	in := func(step string, child any) {
		if at != "" {
			step = at + "\x00" + step
		}
		l.walk(step, child)
	}
	switch n := node.(type) {
	case map[string]any:
		for key, child := range n {
			in(key, child)
		}
	case []any:
		for i, child := range n {
			in(fmt.Sprintf("[%d]", i), child)
		}
	case nil, bool:
	default:
		l[at] = fmt.Append(nil, n)
	}
}

func (l items) lines(text []byte) {
	for line := range strings.Lines(string(text)) {
		key, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), "=")
		if ok && !strings.HasPrefix(key, "#") {
			l[key] = []byte(value)
		}
	}
}
