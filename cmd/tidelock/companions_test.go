package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// linkPrograms links what make builds into a directory.
func linkPrograms(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: programs DIR")
	}
	built, err := programs()
	ts.Check(err)
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o755))
	all, err := filepath.Glob(built.Tidelock + "*")
	ts.Check(err)
	for _, program := range all {
		ts.Check(link(program, filepath.Join(dir, filepath.Base(program))))
	}
}

// link makes a file be in another place, too: in fact, for a symbolic link would
// lead back to where the others lie.
func link(from, to string) error {
	if os.Link(from, to) == nil {
		return nil
	}
	data, err := os.ReadFile(from) // it is another file system
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o755)
}

func TestBuildOf(t *testing.T) {
	for _, tt := range []struct{ companions, plugin, want string }{
		{"", "helm", ""},
		{"cmp=a/b,helm=c/d,", "helm", "c/d"},
		{"cmp=a/b,helm=c/d,", "kustomize", ""},
		{"cmp=a/b,helm=,", "helm", ""},
		{"cmp=a/b,helm=c/d,", "", ""},
	} {
		if got := buildOf(tt.companions, tt.plugin); got != tt.want {
			t.Errorf("%q of %q: %q, want %q", tt.plugin, tt.companions, got, tt.want)
		}
	}
}

// TestCheckBuild: what lies beside tidelock is run only if it is of its build.
func TestCheckBuild(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, tt := range []struct{ name, path, want string }{
		{"of the build", write("same", "ELF\x00Go\x00a-b/c_d\x00"), ""},
		{"of another", write("other", "ELF\x00Go\x00a-b/c_e\x00"), "another build"},
		{"empty", write("empty", ""), "another build"},
		{"somewhere in a program", write("far", strings.Repeat("x", buildWithin)+"a-b/c_d"), "another build"},
		{"absent", filepath.Join(dir, "absent"), "no such file"},
		{"a directory", dir, "it is no file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := checkBuild(tt.path, "a-b/c_d")
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
