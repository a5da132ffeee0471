package references

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/validate"
)

// FuzzCheck: whatever parses can be followed, what is found is the same each time, is
// by a rule, about a field that the object has, and never tells what a Secret holds.
func FuzzCheck(f *testing.F) {
	files, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		var all [][]byte
		for _, text := range archive.Files {
			if strings.HasSuffix(text.Name, ".yaml") && text.Name != validate.ConfigFile {
				all = append(all, text.Data)
			}
		}
		f.Add(bytes.Join(all, []byte("\n---\n")), true)
	}
	f.Fuzz(func(t *testing.T, text []byte, together bool) {
		if len(text) > 64<<10 {
			return
		}
		set, err := manifest.ParseStrict(text, manifest.Origin{File: "a.yaml"})
		if err != nil {
			return
		}
		parts := partsOf(set, together)
		first := told(t, parts)
		if second := told(t, parts); first != second {
			t.Fatalf("first\n%s\nthen\n%s", first, second)
		}
		if strings.Contains(first, "hunter2") && onlySecretsHold(set, "hunter2") {
			t.Fatalf("a secret is told: %s", first)
		}
	})
}

// partsOf makes one Application of a set, or two and something that goes nowhere.
func partsOf(set manifest.Set, together bool) []Part {
	if together {
		return []Part{{Set: set, Cluster: "in-cluster", Namespace: "shop"}}
	}
	third := len(set) / 3
	return []Part{
		{Set: set[:third], Cluster: "https://a.example.com", Namespace: "shop"},
		{Set: set[third : 2*third], Cluster: "a", Namespace: "shop"},
		{Set: set[2*third:], Namespace: "default"},
		{Cluster: "a", Namespace: "other", Unseen: true},
	}
}

func told(t *testing.T, parts []Part) string {
	t.Helper()
	var b strings.Builder
	for _, problems := range Check(parts, Options{Whole: true}) {
		for _, p := range problems {
			if _, ok := validate.RuleNamed(p.Rule); !ok || p.Object == nil || p.Message == "" || p.Path == "" {
				t.Fatalf("%+v", p)
			}
			b.WriteString(p.Rule + " " + p.Object.Key.String() + " " + p.Path + " " + p.Message + " " + p.Hint + "\n")
		}
	}
	return b.String()
}

// onlySecretsHold says whether a text is in the data of Secrets and nowhere else.
func onlySecretsHold(set manifest.Set, text string) bool {
	for _, o := range set {
		if bytes.Contains(o.JSON(), []byte(text)) {
			return false
		}
		for key := range o.Data() {
			if strings.Contains(key, text) {
				return false
			}
		}
	}
	return true
}
