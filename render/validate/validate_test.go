package validate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/tidelock-io/tidelock/render/manifest"
)

// TestBroken looks at the repositories of testdata/broken: each has plain
// manifests, and in the file "want" a line for each finding.
func TestBroken(t *testing.T) {
	for _, file := range archives(t, "broken") {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			files, want := readArchive(t, file)
			var got strings.Builder
			findings := lookAt(t, files, "1.37")
			for _, f := range findings {
				fmt.Fprintf(&got, "%s %s\n", f.Position(), f.Rule)
			}
			if got.String() != want {
				t.Errorf("got\n%swant\n%s\n%s", got.String(), want, texts(findings))
			}
		})
	}
}

// TestClean: nothing is found in the repositories of testdata/clean, by any version.
func TestClean(t *testing.T) {
	for _, file := range archives(t, "clean") {
		files, _ := readArchive(t, file)
		for _, version := range []string{"1.33", "1.34", "1.35", "1.36", "1.37"} {
			if found := lookAt(t, files, version); len(found) > 0 {
				t.Errorf("%s, Kubernetes %s:\n%s", file, version, texts(found))
			}
		}
	}
}

func archives(t *testing.T, kind string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", kind, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no repositories: %v", err)
	}
	return files
}

func readArchive(t *testing.T, file string) (files map[string][]byte, want string) {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	files = map[string][]byte{}
	for _, f := range archive.Files {
		if f.Name == "want" {
			want = string(f.Data)
			continue
		}
		files[f.Name] = f.Data
	}
	return files, want
}

// lookAt is what the command does with manifests that nothing renders.
func lookAt(t *testing.T, files map[string][]byte, version string) []Finding {
	t.Helper()
	var silences Silences
	var set manifest.Set
	var all []Finding
	for name, text := range files {
		if name == ConfigFile {
			if err := silences.AddConfig(name, text); err != nil {
				t.Fatal(err)
			}
			continue
		}
		silences.AddComments(name, text)
		objects, err := manifest.ParseStrict(text, manifest.Origin{File: name})
		if err != nil {
			all = append(all, Unread(err))
			continue
		}
		set = append(set, objects...)
	}
	custom := &Definitions{}
	for _, o := range set {
		custom.Add(o)
	}
	checker, err := New(version, custom)
	if err != nil {
		t.Fatal(err)
	}
	locator := NewLocator(func(name string) ([]byte, error) {
		if text, ok := files[name]; ok {
			return text, nil
		}
		return nil, fs.ErrNotExist
	})
	all = append(all, locator.Findings(checker.Set(context.Background(), set), nil)...)
	all = append(silences.Filter(all), silences.Leftover(func(string) bool { return true })...)
	return Merge(all)
}

func texts(all []Finding) string {
	var b strings.Builder
	for _, f := range all {
		fmt.Fprintln(&b, f)
	}
	return b.String()
}

func TestUnread(t *testing.T) {
	_, err := manifest.ParseStrict([]byte("kind: A\nkind: B\n"), manifest.Origin{File: "a.yaml"})
	f := Unread(err)
	if f.Position() != "a.yaml:2" || f.Rule != RuleSyntax || strings.Contains(f.Message, "a.yaml") {
		t.Errorf("got %+v", f)
	}
	if f := Unread(errors.New("gone")); f.Message != "gone" {
		t.Errorf("got %+v", f)
	}
}

func TestRulesAreSorted(t *testing.T) {
	all := Rules()
	for _, r := range all {
		if r.Text == "" || r.Severity == "" {
			t.Errorf("%s says nothing", r.ID)
		}
	}
	if !slices.IsSortedFunc(all, func(a, b Rule) int { return strings.Compare(a.ID, b.ID) }) {
		t.Error("the rules are not in the order of their names")
	}
}

func manifestsOf(t testing.TB, file string) [][]byte {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	for _, f := range archive.Files {
		if strings.HasSuffix(f.Name, ".yaml") {
			all = append(all, f.Data)
		}
	}
	return all
}
