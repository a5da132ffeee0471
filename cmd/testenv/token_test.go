package testenv

import (
	"os"
	"path/filepath"
	"testing"
)

// TestTokenFile: there is one token at any time, and the file is another one each time,
// which is how programs see that it has changed.
func TestTokenFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "token")
	f, err := NewTokenFile(dir, "first")
	if err != nil {
		t.Fatal(err)
	}
	var before os.FileInfo
	for _, want := range []string{"first", "second", "third"} {
		if want != "first" {
			if err := f.Put(want); err != nil {
				t.Fatal(err)
			}
		}
		text, err := os.ReadFile(f.Path())
		if err != nil || string(text) != want {
			t.Errorf("%q, %v, want %q", text, err, want)
		}
		now, err := os.Stat(f.Path())
		if err != nil || before != nil && os.SameFile(before, now) {
			t.Errorf("%s is in the file of the one before: %v", want, err)
		}
		before = now
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 3 { // the link, what it leads to, and where that leads to
		t.Errorf("%v, %v", left, err)
	}
}
