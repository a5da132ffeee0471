package validate

import (
	"bytes"
	"context"
	"path/filepath"
	"testing"

	"github.com/tidelock-io/tidelock/render/manifest"
)

// FuzzCheck: whatever parses can be looked at, in every version, the findings are
// the same each time, and each is at a line that the file has.
func FuzzCheck(f *testing.F) {
	for _, kind := range []string{"testdata/broken/*.txtar", "testdata/clean/*.txtar"} {
		files, err := filepath.Glob(kind)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			for _, text := range manifestsOf(f, file) {
				f.Add(text)
			}
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 64<<10 {
			return
		}
		set, err := manifest.ParseStrict(text, manifest.Origin{File: "a.yaml"})
		if err != nil {
			if at := Unread(err); at.Line < 0 || at.Message == "" {
				t.Fatalf("%+v", at)
			}
			return
		}
		first := lookAtText(t, set, text)
		if second := lookAtText(t, set, text); first != second {
			t.Fatalf("first\n%s\nthen\n%s", first, second)
		}
	})
}

func lookAtText(t *testing.T, set manifest.Set, text []byte) string {
	t.Helper()
	custom := &Definitions{}
	for _, o := range set {
		custom.Add(o)
	}
	checker, err := New("1.37", custom)
	if err != nil {
		t.Fatal(err)
	}
	var silences Silences
	silences.AddComments("a.yaml", text)
	locator := NewLocator(func(string) ([]byte, error) { return text, nil })
	all := locator.Findings(checker.Set(context.Background(), set), []string{"a.yaml"})
	lines := bytes.Count(text, []byte("\n")) + bytes.Count(text, []byte("\r")) + bytes.Count(text, []byte("\u2028")) + bytes.Count(text, []byte("\u2029")) + bytes.Count(text, []byte("\u0085")) + 1 // YAML's
	for _, f := range all {
		if f.Line < 0 || f.Line > lines {
			t.Fatalf("%s: there are %d lines", f, lines)
		}
		if _, ok := RuleNamed(f.Rule); !ok {
			t.Fatalf("%s is by no rule", f)
		}
	}
	return texts(Merge(append(silences.Filter(all), silences.Leftover(func(string) bool { return true })...)))
}
