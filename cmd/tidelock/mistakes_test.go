package main

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	gogit "github.com/go-git/go-git/v5"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var updateMistakes = flag.Bool("mistakes.update", false, "write what is said of each mistake as what is wanted")

// TestMistakes renders each testdata/mistakes/*.txtar, a repository with one
// typical mistake in it, and compares what the command line says. File "args"
// holds the arguments of `tidelock render`, "want" its standard error.
func TestMistakes(t *testing.T) {
	t.Parallel()
	dir, err := filepath.Abs("testdata/mistakes")
	if err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob(dir + "/*.txtar")
	if err != nil || len(paths) < 50 {
		t.Fatalf("%d mistakes, there were fifty: %v", len(paths), err)
	}
	for _, path := range sample(paths) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			mistake(t, path)
		})
	}
}

func mistake(t *testing.T, path string) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	if _, err := gogit.PlainInit(work, false); err != nil {
		t.Fatal(err)
	}
	var args []string
	want := -1
	for i, f := range archive.Files {
		switch f.Name {
		case "args":
			args = strings.Fields(string(f.Data))
		case "want":
			want = i
		default:
			name := filepath.Join(work, f.Name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, f.Data, 0o600)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(args) == 0 || want < 0 {
		t.Fatalf("%s lacks the file args or want", path)
	}
	got := said(t, work, args)
	if *updateMistakes {
		archive.Files[want].Data = []byte(got)
		if err := os.WriteFile(path, txtar.Format(archive), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(archive.Files[want].Data), got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// said is what `tidelock render` tells of a repository.
func said(t *testing.T, work string, args []string) string {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Args, cmd.Dir = append([]string{"tidelock", "render"}, args...), work
	cmd.Env = append(os.Environ(), "PWD="+work, "HOME="+work, "SOPS_AGE_KEY_FILE=")
	var out, talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &talk
	if err := cmd.Run(); err == nil {
		t.Errorf("it renders:\n%s", out.String())
	} else if out.Len() > 0 {
		t.Errorf("it failed, and printed:\n%s", out.String())
	}
	return strings.ReplaceAll(talk.String(), work, "$WORK")
}
