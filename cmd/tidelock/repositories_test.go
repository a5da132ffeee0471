package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gogit "github.com/go-git/go-git/v5"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/tidelock-io/tidelock/render/validate"
)

// TestRepositories validates the repositories of testdata/validate, as a person
// does who stands in one: what needs a repository to be found, an Application that
// renders it or another that it clashes with. Faults of plain manifests are in
// render/validate/testdata. Of an archive
//
//	args  is, if it is there, what stands behind `tidelock validate -o json`, with
//	      $WORK for the repository
//	want  holds the findings of a broken one, "FILE:LINE rule" each; nothing is
//	      found in a clean one, and nothing is noted
//
// and all else is the repository. "@@" parts what looks like a real credential, so
// that this repository has none.
func TestRepositories(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"broken", "clean"} {
		archives, err := filepath.Glob("testdata/validate/" + kind + "/*.txtar")
		if err != nil || len(archives) == 0 {
			t.Fatalf("no %s repositories: %v", kind, err)
		}
		for _, archive := range sample(archives) {
			t.Run(kind+"/"+strings.TrimSuffix(filepath.Base(archive), ".txtar"), func(t *testing.T) {
				t.Parallel()
				work, args, want := unpackRepository(t, archive)
				report, text := validated(t, work, args)
				if diff := cmp.Diff(want, text); diff != "" {
					t.Errorf("(-want +got)\n%s\n%s", diff, report)
				}
			})
		}
	}
}

// unpackRepository makes a repository of an archive.
func unpackRepository(t *testing.T, name string) (work string, args []string, want string) {
	t.Helper()
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	work = t.TempDir()
	if _, err := gogit.PlainInit(work, false); err != nil {
		t.Fatal(err)
	}
	for _, f := range archive.Files {
		switch f.Name {
		case "args":
			args = strings.Fields(strings.ReplaceAll(string(f.Data), "$WORK", work))
		case "want":
			want = string(f.Data)
		default:
			file := filepath.Join(work, filepath.FromSlash(f.Name))
			if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, bytes.ReplaceAll(f.Data, []byte("@@"), nil), 0o600)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return work, args, want
}

// validated returns what is found in a repository, whole and as lines of "want".
// What is noted in a repository without findings is a line, too.
func validated(t *testing.T, work string, args []string) (whole, text string) {
	t.Helper()
	root := newRootCommand()
	root.SetArgs(append([]string{"validate", "-o", "json", "--no-cache", work}, args...))
	var out, talk bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&talk)
	if err := root.ExecuteContext(t.Context()); err != nil && out.Len() == 0 {
		t.Fatalf("%v\n%s", err, talk.String())
	}
	var report struct {
		Findings []validate.Finding
		Notes    []string
	}
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	var lines, all strings.Builder
	for _, f := range report.Findings {
		lines.WriteString(f.Position() + " " + f.Rule + "\n")
		all.WriteString(f.String() + "\n")
	}
	if len(report.Findings) == 0 {
		for _, note := range report.Notes {
			lines.WriteString("note: " + note + "\n")
		}
	}
	return all.String(), lines.String()
}
