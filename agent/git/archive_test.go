package git_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/git"
)

var members = []git.Member{
	{Name: "Chart.yaml", Content: []byte("name: a\n")},
	{Name: "templates/a.yaml", Content: []byte("a\n")},
	{Name: "templates-old", Content: []byte("b\n")},
	{Name: "templates/sub/deep/c.yaml", Content: []byte("c\n")},
	{Name: "run.sh", Kind: git.Executable, Content: []byte("#!/bin/sh\n")},
	{Name: "link", Kind: git.Link, Content: []byte("templates/a.yaml")},
}

func TestArchive(t *testing.T) {
	tree, err := git.Archive("1.2.3", members)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := tree.ReadFile("link"); err != nil || string(data) != "a\n" {
		t.Errorf("link reads %q, %v", data, err)
	}
	if got := names(t, tree, "."); got != "Chart.yaml link run.sh templates templates-old" {
		t.Errorf("root lists %s", got)
	}
	if got := names(t, tree, "templates/sub"); got != "deep" {
		t.Errorf("templates/sub lists %s", got)
	}
	if info, err := tree.Stat("run.sh"); err != nil || info.Mode()&0o100 == 0 || info.Size() != 10 {
		t.Errorf("run.sh: %v, %v", info, err)
	}
	if _, err := tree.ReadFile("templates/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an absent file: %v", err)
	}
	if tree.Revision() != "1.2.3" || tree.String() != "version 1.2.3" || tree.Size() < 50 {
		t.Errorf("revision %q, %s, size %d", tree.Revision(), tree, tree.Size())
	}
}

func names(t *testing.T, tree *git.Tree, dir string) string {
	t.Helper()
	entries, err := tree.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return strings.Join(list, " ")
}

// The ids of an archive are those that Git gives the same files.
func TestArchiveHash(t *testing.T) {
	dir := t.TempDir()
	for _, m := range members {
		file := filepath.Join(dir, m.Name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		mode := os.FileMode(0o644)
		if m.Kind == git.Executable {
			mode = 0o755
		}
		err := os.WriteFile(file, m.Content, mode)
		if m.Kind == git.Link {
			err = errors.Join(os.Remove(file), os.Symlink(string(m.Content), file))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var id string
	for _, args := range [][]string{{"init", "-q"}, {"add", "-A"}, {"write-tree"}} {
		cmd := exec.CommandContext(context.Background(), "git", args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		id = strings.TrimSpace(string(out))
	}
	tree, err := git.Archive("1", members)
	if err != nil {
		t.Fatal(err)
	}
	if tree.Hash() != id {
		t.Errorf("the archive is %s, git says %s", tree.Hash(), id)
	}
}

func TestArchiveRefuses(t *testing.T) {
	for name, list := range map[string][]git.Member{
		"leaves":             {{Name: "../a"}},
		"absolute":           {{Name: "/etc/passwd"}},
		"root":               {{Name: "."}},
		"twice":              {{Name: "a"}, {Name: "a"}},
		"file and directory": {{Name: "a"}, {Name: "a/b"}},
		"directory and file": {{Name: "a/b/c"}, {Name: "a/b"}},
	} {
		if _, err := git.Archive("1", list); !errors.Is(err, git.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestArchiveLinks(t *testing.T) {
	for target, kind := range map[string]error{"/etc/passwd": git.ErrLink, "../../x": git.ErrLink, "link": git.ErrLink} {
		tree, err := git.Archive("1", []git.Member{{Name: "link", Kind: git.Link, Content: []byte(target)}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tree.ReadFile("link"); !errors.Is(err, kind) {
			t.Errorf("link to %s: %v", target, err)
		}
	}
}
