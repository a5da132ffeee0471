package appset

import (
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tidelock-io/tidelock/agent/api"
)

// files are a repository with names that patterns may stumble over.
var files = strings.Fields(`
	a/b/c.yaml a/b.yaml a.yaml a/.b/c.yaml .a/b.yaml a-b/c.yaml a[b]/c.yaml a*b/c.yaml ä/ö.yaml
	apps/api/base/k.yaml apps/api/overlays/dev/k.yaml apps/web/overlays/dev/k.yaml apps/web/overlays/prod/k.yaml b/a/b/a/b.json`)

func repository(names []string) fstest.MapFS {
	tree := fstest.MapFS{}
	for _, name := range names {
		tree[name] = &fstest.MapFile{}
	}
	return tree
}

// TestPathspecsAreGits compares with git ls-files itself, which Argo CD asks.
func TestPathspecsAreGits(t *testing.T) {
	dir := t.TempDir()
	git := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "git", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("git %v: %v", args, err)
		}
		return string(out)
	}
	for _, name := range files {
		if err := os.MkdirAll(filepath.Join(dir, path.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	git("init", "-q")
	git("add", "-A")
	for _, pattern := range []string{
		"a", "a/", "a/b", "a/b/c.yaml", "./a/b", "a//b", "*", "**", "*.yaml", "a/*", "a/*.yaml", "a/**", "a/**/c.yaml", "**/c.yaml", "apps/*/overlays/*",
		"apps/*/k.yaml", "apps/api", "ap", "ap*", "?.yaml", "?/b.yaml", "a?b", "a?b/c.yaml", "[ab].yaml", "[!a]*", "[^a]*", "[a-z]/b*", `a\[b\]/c.yaml`, `a\*b/c.yaml`,
		"a[[]b]/c.yaml", "a[]b", "[a", "a[", "[[:alpha:]].yaml", "[[:alpha:]-]*", `[\a].yaml`, "ä/*", "*/ö.yaml", "b/a/*.json", "nowhere/*", ".a/*", "*/.b/*", "a/../a/b.yaml", ".", `a[\]]b`, `[\d].yaml`, "a[+--]b/c.yaml",
	} {
		spec, err := newPathspec(pattern)
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			continue
		}
		got, err := spec.files(repository(files))
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
		}
		want := strings.Split(strings.TrimSuffix(git("ls-files", "-z", "--full-name", "--", pattern), "\x00"), "\x00")
		if want[0] == "" {
			want = nil
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, git says %q", pattern, got, want)
		}
	}
}

func TestPathspecsThatCannotBe(t *testing.T) {
	for _, pattern := range []string{":(glob)*", ":!a", "/etc", "..", "../a", "a/../../b"} {
		if _, err := newPathspec(pattern); err == nil {
			t.Errorf("%s is accepted", pattern)
		}
	}
}

// everyDirectory walks through all of a tree, and asks the patterns of each directory.
func everyDirectory(tree fs.FS, filters []api.GitPathFilter) (dirs []string) {
	_ = fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, _ error) error {
		hidden := strings.HasPrefix(entry.Name(), ".") && name != "."
		switch {
		case entry.IsDir() && hidden:
			return fs.SkipDir
		case entry.IsDir() && name != "." && picked(filters, name):
			dirs = append(dirs, name)
		}
		return nil
	})
	return dirs
}

// listing notes which directories are listed.
type listing struct {
	fs.FS
	listed []string
}

func (l *listing) ReadDir(name string) ([]fs.DirEntry, error) {
	l.listed = append(l.listed, name)
	return fs.ReadDir(l.FS, name)
}

// TestOnlyWhatPatternsLeadTo: a recorded read must not depend on all directories.
func TestOnlyWhatPatternsLeadTo(t *testing.T) {
	for _, tt := range []struct{ pattern, dirs, listed string }{
		{"apps/*/overlays/*", "apps/api/overlays/dev apps/web/overlays/dev apps/web/overlays/prod", ". apps apps/api apps/api/overlays apps/web apps/web/overlays"},
		{"apps/api/overlays/dev", "apps/api/overlays/dev", ". apps apps/api apps/api/overlays"},
		{"*", "a a*b a-b a[b] apps b ä", "."},
		{"nowhere/*", "", "."},
	} {
		tree := &listing{FS: repository(files)}
		dirs, err := directories(tree, []api.GitPathFilter{{Path: tt.pattern}, {Path: "*/x", Exclude: true}})
		if got := strings.Join(dirs, " "); err != nil || got != tt.dirs {
			t.Errorf("%s: got %q, %v", tt.pattern, got, err)
		}
		if got := strings.Join(tree.listed, " "); got != tt.listed {
			t.Errorf("%s: listed %q", tt.pattern, got)
		}
	}
}

// FuzzDirectories: what is passed over because no pattern leads there would not have
// matched.
func FuzzDirectories(f *testing.F) {
	for _, seed := range []string{"apps/*/overlays/*", "*", "a/b", "[a-z]*/*", `a\*b`, "[^x]b", "a/../b", "*/*/*/*"} {
		f.Add(seed, "apps/web/overlays/*", "x")
	}
	f.Fuzz(func(t *testing.T, include, exclude, name string) {
		filters := []api.GitPathFilter{{Path: include}, {Path: exclude, Exclude: true}}
		names := files
		if fs.ValidPath(name) && name != "." {
			names = append(slices.Clone(files), "z"+name+"/file")
		}
		tree := repository(names)
		dirs, err := directories(tree, filters)
		if err != nil {
			return
		}
		if want := everyDirectory(tree, filters); !slices.Equal(dirs, want) {
			t.Errorf("%q but %q: got %q, want %q", include, exclude, dirs, want)
		}
	})
}

// FuzzPathspec: no pattern panics, what is taken literally matches itself, and what is
// found is what matches.
func FuzzPathspec(f *testing.F) {
	for _, seed := range []string{"a/*.yaml", "**", "[a", "[]a]", `\`, `[\`, "[[:alpha:]", "[[:x:]]", "a[z-a]", "ä?", ":x", "/x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		spec, err := newPathspec(pattern)
		if err != nil {
			return
		}
		got, err := spec.files(repository(files))
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, name := range files {
			if spec.match(name) {
				want = append(want, name)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", pattern, got, want)
		}
	})
}
