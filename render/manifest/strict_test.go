package manifest

import (
	"errors"
	"reflect"
	"testing"
)

func TestParseStrict(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"no key twice", configMap("a") + "data: {a: x, b: x}\n---\n" + configMap("b"), "v1 ConfigMap a @x.yaml:1\nv1 ConfigMap b @x.yaml:6"},
		{"the same key of two maps", configMap("a") + "data: {a: x}\nbinaryData: {a: eA==}\n", "v1 ConfigMap a @x.yaml:1"},
		{"an override of what is merged", configMap("a") + "x: &x {a: 1}\ny: {<<: *x, a: 2}\nz:\n  <<: [*x, *x]\n  a: 3\n", "v1 ConfigMap a @x.yaml:1"},
		{"at the top", configMap("a") + "---\n# b\n" + configMap("b") + "kind: Secret\n", `x.yaml:9: not a Kubernetes object: the key "kind" stands twice in one map, the other 2 lines above: keep one of them`},
		{"deep", configMap("a") + "data:\n  a: x\n  b: y\n  a: z\n", `x.yaml:7: not a Kubernetes object: the key "a" stands twice in one map, the other 2 lines above: keep one of them`},
		{"in a list", configMap("a") + "l:\n- {x: 1, x: 1}\n", `x.yaml:5: not a Kubernetes object: the key "x" stands twice in one map, the other in the same line: keep one of them`},
		{"beside a merge", configMap("a") + "x: &x {a: 1}\ny: {<<: *x, a: 2, a: 3}\n", `x.yaml:5: not a Kubernetes object: the key "a" stands twice in one map, the other in the same line: keep one of them`},
		{"numbers", configMap("a") + "x: {1: a, 1: b}\n", `x.yaml:4: not a Kubernetes object: the key "1" stands twice in one map, the other in the same line: keep one of them`},
		{"JSON", `{"apiVersion": "v1", "kind": "A", "metadata": {"name": "a"}, "spec": {"x": {"a": 1, "a": 1}}}`, `x.yaml:1: not a Kubernetes object: duplicate field "spec.x.a" in one map: keep one of them`},
		{"malformed", configMap("a") + "a: b: c\n", "x.yaml:4: not a Kubernetes object: malformed YAML: mapping values are not allowed in this context: check the indentation and the quotes of this line and of those before it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			set, err := ParseStrict([]byte(tt.in), Origin{File: "x.yaml"})
			got := listing(set)
			if err != nil {
				got = err.Error()
			}
			if got != tt.want || err != nil && !errors.Is(err, ErrInvalid) {
				t.Errorf("ParseStrict(%q)\n got %s\nwant %s", tt.in, got, tt.want)
			}
		})
	}
}

// FuzzDecodeStrict: what is read strictly is what is read else, and a refusal has a
// reason.
func FuzzDecodeStrict(f *testing.F) {
	for _, seed := range append(yamlSeeds, "a: 1\na: 2\n", `{"a": 1, "a": 2}`, "a: &a {b: 1}\nc: {<<: *a, b: 2}\n", "a: {b: 1, b: 2}\na: *b\n") {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := decodeStrict(text)
		want, wantErr := decode(text)
		switch {
		case err == nil && (wantErr != nil || !reflect.DeepEqual(got, want)):
			t.Fatalf("decodeStrict(%q) = %#v, and decode %#v, %v", text, got, want, wantErr)
		case err != nil && !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrLimit):
			t.Fatalf("decodeStrict(%q): %v is of no kind", text, err)
		}
	})
}
