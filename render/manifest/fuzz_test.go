package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// FuzzParse: nothing panics; what is parsed prints as text that parses to the
// same; what is printed without reveal parses too.
func FuzzParse(f *testing.F) {
	f.Add([]byte(configMap("a") + "---\n" + configMap("b")))
	f.Add([]byte("{apiVersion: v1, kind: Secret, metadata: {name: a, labels: {x: null}}, stringData: {k: 'a: \"b'}, data: {l: aGk=, m: null}, type: Opaque}"))
	f.Add([]byte("apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {generateName: a, creationTimestamp: null}, data: {1: y}}\n"))
	f.Add([]byte("{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: a}, aggregationRule: {x: 1}, rules: [], status: {}}"))
	for _, seed := range yamlSeeds {
		f.Add([]byte(configMap("a") + "data:\n" + "  " + strings.ReplaceAll(seed, "\n", "\n  ")))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		set, err := Parse(text, Origin{File: "f"})
		if err != nil {
			if set != nil {
				t.Fatalf("both a set and an error: %v", err)
			}
			return
		}
		printed, err := set.YAML(true)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(printed, Origin{File: "f"})
		if err != nil {
			t.Fatalf("what was printed does not parse: %v\n%s", err, printed)
		}
		if got, want := hashes(again), hashes(set); got != want {
			t.Fatalf("parse, print, parse differs\n got %s\nwant %s\n%s", got, want, printed)
		}
		if masked, err := set.YAML(false); err != nil || bytes.Count(masked, []byte("\n---\n")) != bytes.Count(printed, []byte("\n---\n")) {
			t.Fatalf("masked printing: %v", err)
		}
	})
}

func hashes(set Set) string {
	var b strings.Builder
	for _, o := range set {
		b.WriteString(o.Key.String() + " " + o.Hash() + "\n")
	}
	return b.String()
}

const canary = "hunter2hunter2"

// FuzzSecretsStayHidden: whatever a Secret holds, no printed form and no error
// of a broken document shows it.
func FuzzSecretsStayHidden(f *testing.F) {
	f.Add("", "", "k", "")
	f.Add("a\"b'c`d: {", "}", "pass.word", "x: *")
	f.Add("", "", "\x7f", "") // what YAML cannot hold as it is
	f.Add("line one\n", "\nline three", "k", "metadata")
	f.Fuzz(func(t *testing.T, before, after, key, tail string) {
		if strings.Contains(key+tail, "hunter") {
			return
		}
		raw, err := json.Marshal(map[string]any{
			"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "s"},
			"stringData": map[string]any{key: before + canary + after},
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse([]byte(string(raw[:len(raw)-1])+tail), Origin{}); err != nil {
			mustHide(t, err.Error())
		}
		set, err := Parse(raw, Origin{File: "f"})
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range forms(t, set) {
			mustHide(t, text)
		}
	})
}

func mustHide(t *testing.T, text string) {
	t.Helper()
	decimal := strings.Trim(fmt.Sprint([]byte(canary)), "[]")
	for _, form := range []string{canary, decimal, fmt.Sprintf("%x", canary)} {
		if strings.Contains(text, form) {
			t.Fatalf("the secret shows in %q", text)
		}
	}
}

// forms prints set in every way that a log, an event or a panic might.
func forms(t *testing.T, set Set) []string {
	t.Helper()
	masked, err := set.YAML(false)
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	holder := struct {
		set    Set
		object Object
	}{set, *set[0]}
	out := []string{string(masked), string(asJSON), string(set[0].JSON()), set[0].Hash()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{set, set[0], *set[0], holder, set[0].Data()} {
			out = append(out, fmt.Sprintf(verb, v))
		}
	}
	return out
}
