package manifest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// listing prints a set as its objects with their origins, one a line.
func listing(set Set) string {
	var lines []string
	for _, o := range set {
		lines = append(lines, fmt.Sprintf("%s %s @%s", o.APIVersion(), o.Key, o.Origin))
	}
	return strings.Join(lines, "\n")
}

func configMap(name string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\n"
}

func TestParse(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"one", configMap("a"), "v1 ConfigMap a @x.yaml:1"},
		{"nothing", "", ""},
		{"only comments", "# a\n---\n# b\n--- # c\n", ""},
		{"two", configMap("a") + "---\n" + configMap("b"), "v1 ConfigMap a @x.yaml:1\nv1 ConfigMap b @x.yaml:5"},
		{"the line is that of the content", "# license\n\n---\n\n# note\n" + configMap("a"), "v1 ConfigMap a @x.yaml:6"},
		{"CRLF", strings.ReplaceAll(configMap("a")+"---\n"+configMap("b"), "\n", "\r\n"), "v1 ConfigMap a @x.yaml:1\nv1 ConfigMap b @x.yaml:5"},
		{"content beside the marker", configMap("a") + "--- {apiVersion: v1, kind: ConfigMap, metadata: {name: b}}\n", "v1 ConfigMap a @x.yaml:1\nv1 ConfigMap b @x.yaml:4"},
		{"end marker", configMap("a") + "...\n" + configMap("b"), "v1 ConfigMap a @x.yaml:1\nv1 ConfigMap b @x.yaml:5"},
		{"directive and byte order mark", "\ufeff%YAML 1.1\n---\n" + configMap("a"), "v1 ConfigMap a @x.yaml:3"},
		{"marker-like text in a block", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  k: |\n    ---\n    x\n  l: ---x\n", "v1 ConfigMap a @x.yaml:1"},
		{"JSON", `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a","namespace":"n"}}`, "apps/v1 apps/Deployment n/a @x.yaml:1"},
		{"flow YAML", `{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}`, "v1 ConfigMap a @x.yaml:1"},
		{"list", "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: b}}\n", "v1 ConfigMap a @x.yaml:1\nv1 ConfigMap b @x.yaml:1"},
		{"empty list", "apiVersion: v1\nkind: List\nmetadata: {resourceVersion: ''}\nitems: []\n", ""},
		{"typed list", "apiVersion: v1\nkind: ConfigMapList\nitems:\n- metadata: {name: a}\n", "v1 ConfigMap a @x.yaml:1"},
		{"list in a list", "{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}]}]}", "v1 ConfigMap a @x.yaml:1"},
		{"a kind that ends in List", "{apiVersion: e.io/v1, kind: AllowList, metadata: {name: a}, items: [x]}", "e.io/v1 e.io/AllowList a @x.yaml:1"},
		{"generateName", "{apiVersion: batch/v1, kind: Job, metadata: {generateName: a-}}", "batch/v1 batch/Job  @x.yaml:1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			set, err := Parse([]byte(tt.in), Origin{File: "x.yaml"})
			if got := listing(set); err != nil || got != tt.want {
				t.Errorf("Parse(%q)\n got %q, %v\nwant %q", tt.in, got, err, tt.want)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct {
		name, in, want string
		kind           error
	}{
		{"syntax, at its line", configMap("a") + "---\n" + configMap("b") + "data:\n  a: b: c\n", "x.yaml:9: not a Kubernetes object: malformed YAML: mapping values are not allowed in this context: check the indentation and the quotes of this line and of those before it", ErrInvalid},
		{"no map", "- a\n", "x.yaml:1: not a Kubernetes object: it is no map", ErrInvalid},
		{"no kind", "a: 1\n", `x.yaml:1: not a Kubernetes object: it needs apiVersion and kind, and has apiVersion "" and kind ""`, ErrInvalid},
		{"no version", "{apiVersion: apps/, kind: A, metadata: {name: a}}", `x.yaml:1: not a Kubernetes object: it needs apiVersion and kind, and has apiVersion "apps/" and kind "A"`, ErrInvalid},
		{"no name", "{apiVersion: v1, kind: Pod, metadata: {}}", "x.yaml:1: not a Kubernetes object: Pod without metadata.name", ErrInvalid},
		{"number as name", "{apiVersion: v1, kind: Pod, metadata: {name: 1}}", "x.yaml:1: Pod: not a Kubernetes object: metadata.name is not a string: put it in quotes", ErrInvalid},
		{"number as namespace", "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: 1}}", "x.yaml:1: Pod: not a Kubernetes object: metadata.namespace is not a string: put it in quotes", ErrInvalid},
		{"name that forges a line", `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a\nb"}}`, `x.yaml:1: Pod: not a Kubernetes object: metadata.name "a\nb" cannot name an object`, ErrInvalid},
		{"name that is a path", "{apiVersion: v1, kind: Pod, metadata: {name: ../a}}", `x.yaml:1: Pod: not a Kubernetes object: metadata.name "../a" cannot name an object`, ErrInvalid},
		{"label", "{apiVersion: v1, kind: Pod, metadata: {name: a, labels: {b: true}}}", `x.yaml:1: Pod a: not a Kubernetes object: metadata.labels: value of "b" is not a string: put it in quotes`, ErrInvalid},
		{"data", "{apiVersion: v1, kind: Secret, metadata: {name: a}, data: {k: hunter2!}}", `x.yaml:1: Secret a: not a Kubernetes object: data: value of "k" is not base64: encode it, or use stringData`, ErrInvalid},
		{"stringData", "{apiVersion: v1, kind: Secret, metadata: {name: a}, stringData: {k: 12345}}", `x.yaml:1: Secret a: not a Kubernetes object: stringData: value of "k" is not a string: put it in quotes`, ErrInvalid},
		{"item", "{apiVersion: v1, kind: List, items: [a]}", "x.yaml:1: items[0]: not a Kubernetes object: it is no map", ErrInvalid},
		{"same key twice", "{apiVersion: v1, kind: A, metadata: {name: a}, 1: a, '1': b}", "x.yaml:1: not a Kubernetes object: two keys of one map are the same text", ErrInvalid},
		{"infinite", "{apiVersion: v1, kind: A, metadata: {name: a}, a: .inf}", "x.yaml:1: not a Kubernetes object: a number that JSON lacks: put it in quotes", ErrInvalid},
		{"large document", strings.Repeat("a", maxDocument+1), "x.yaml:1: over the limit: a document of 8388609 bytes; 8388608 are allowed", ErrLimit},
		{"many values", "[" + strings.Repeat("1,", maxValues+1) + "]", "x.yaml:1: over the limit: a document of about 1000001 values; 1000000 are allowed", ErrLimit},
		{"aliases", "a: &a " + strings.Repeat("x", 1<<20) + "\nb: [" + strings.Repeat("*a,", 1000) + "]\n", "x.yaml:1: over the limit: its aliases expand to more than 33554432 bytes", ErrLimit},
		{"deep", configMap("a") + "spec: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000), "x.yaml:1: over the limit: nested more than 1000 deep", ErrLimit},
		{"deep JSON", `{"a":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "}", "x.yaml:1: over the limit: nested more than 1000 deep", ErrLimit},
		{"billion laughs", "a: &a [x,x,x,x,x,x,x,x,x]\n" + laughs(), "x.yaml:1: not a Kubernetes object: malformed YAML: document contains excessive aliasing", ErrInvalid},
		{"many objects", strings.Repeat(configMap("a")+"---\n", maxObjects+1), "x.yaml:80001: over the limit: more than 20000 objects", ErrLimit},
	} {
		t.Run(tt.name, func(t *testing.T) {
			set, err := Parse([]byte(tt.in), Origin{File: "x.yaml"})
			if set != nil || fmt.Sprint(err) != tt.want || !errors.Is(err, tt.kind) {
				t.Errorf("Parse\n got %v, %v\nwant %s", set, err, tt.want)
			}
		})
	}
}

func laughs() string {
	var b strings.Builder
	for c := 'b'; c < 'k'; c++ {
		fmt.Fprintf(&b, "%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c,", c-1), 9), ","))
	}
	return b.String()
}

// Every message of the YAML parser that quotes the document loses the quote.
func TestParseErrorsQuoteNoText(t *testing.T) {
	for _, in := range []string{
		"{? {password: hunter2} : x}",
		"{? {pin: 42424242} : x}",
		"a: *hunter2",
		"a: !!int hunter2",
		"a: !!float hun`ter2",
		"a: !!bool \"hun\\\"ter2\"",
		"<<: hunter2",
		"a: &hunter2 [*hunter2]",
		"hunter2: [",
		"\"hunter2",
		"!<hunter2",
		"%hunter2 x\n---\na: 1",
		`{"a": hunter2: }`,
		"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: [hunter2]",
		"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {a: [hunter2]}",
		"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {a: hunter2}",
	} {
		_, err := Parse([]byte(in), Origin{File: "x.yaml"})
		if err == nil {
			t.Errorf("Parse(%q) gave no error", in)
			continue
		}
		for _, secret := range []string{"hun", "ter2", "4242"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("Parse(%q) quotes the text: %v", in, err)
			}
		}
	}
}
