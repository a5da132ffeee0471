package secrets

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

const canary = "correct-horse"

// Every way in which Go code commonly prints a value.
func printed(t *testing.T, v any) []string {
	t.Helper()
	var out []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%p"} {
		out = append(out, fmt.Sprintf(verb, v))
	}
	for _, marshal := range []func(any) ([]byte, error){json.Marshal, xml.Marshal, func(v any) ([]byte, error) { return yaml.Marshal(v) }} {
		if raw, err := marshal(v); err == nil {
			out = append(out, string(raw))
		}
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
	return append(out, log.String(), fmt.Sprint(v), fmt.Errorf("wrap %v", v).Error())
}

func TestValueDoesNotPrint(t *testing.T) {
	v := New([]byte(canary))
	type hiding struct{ inner Value } // fmt calls no methods on unexported fields
	type showing struct{ Inner Value }
	shapes := map[string]any{
		"value": v, "pointer": &v, "slice": []Value{v}, "map": map[string]Value{"k": v}, "interface": any(v),
		"unexported field": hiding{v}, "pointer to unexported": &hiding{v}, "exported field": showing{v},
		"nested": map[string]any{"k": []any{hiding{v}, &showing{v}}},
	}
	decimal := strings.Trim(fmt.Sprint([]byte(canary)), "[]")
	forms := []string{canary, decimal, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), fmt.Sprintf("%#v", []byte(canary)), "Y29ycmVjdC1ob3JzZQ"}
	for name, shape := range shapes {
		for _, text := range printed(t, shape) {
			for _, form := range forms {
				if strings.Contains(text, form) {
					t.Errorf("%s prints its plain text: %s", name, text)
				}
			}
		}
	}
}

func TestMark(t *testing.T) {
	a, b, c := New([]byte("a")), New([]byte("a")), New([]byte("c"))
	if a.Mark() != b.Mark() || !a.Equal(b) {
		t.Error("equal values have different marks")
	}
	if a.Mark() == c.Mark() || a.Equal(c) {
		t.Error("different values have one mark")
	}
	if got := a.String(); got != "(hidden "+a.Mark()+")" {
		t.Errorf("String() = %q", got)
	}
}

func TestZeroValue(t *testing.T) {
	var zero Value
	if zero.Reveal() != nil || !zero.Equal(New(nil)) || zero.Mark() != New([]byte{}).Mark() {
		t.Error("the zero Value is not the empty text")
	}
}
