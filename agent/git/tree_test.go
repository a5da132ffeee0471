package git

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
)

// A tree of either kind is a file system by the standard library's own test.
func TestDirIsFS(t *testing.T) {
	base := t.TempDir()
	write(t, base, map[string]string{"a/b/c.txt": "c", "a/b/d.txt": "", "e.sh": "#!/bin/sh"})
	tree, err := Dir(base)
	if err != nil {
		t.Fatal(err)
	}
	if err := fstest.TestFS(tree, "a/b/c.txt", "a/b/d.txt", "e.sh"); err != nil {
		t.Error(err)
	}
	if err := fstest.TestFS(NewRecorder(tree), "a/b/c.txt", "a/b/d.txt", "e.sh"); err != nil {
		t.Error(err)
	}
}

// write puts files into a directory; "-> x" as content makes a link to x.
func write(t testing.TB, base string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		to := filepath.Join(base, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, ok := linkTarget(content); ok {
			err = os.Symlink(target, to)
		} else {
			err = os.WriteFile(to, []byte(content), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func linkTarget(content string) (string, bool) {
	if len(content) > 3 && content[:3] == "-> " {
		return content[3:], true
	}
	return "", false
}
