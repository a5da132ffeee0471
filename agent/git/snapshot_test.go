package git

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"
)

// A file stays as it was first read, whatever reads it next; what was not read is as
// it is then.
func TestSnapshot(t *testing.T) {
	base := t.TempDir()
	write(t, base, map[string]string{"dir/a": "one", "dir/b": "one", "dir/c": "one", "link": "-> dir/a", "gone": "one"})
	tree, err := Snapshot(base)
	must(t, err)
	rec := NewRecorder(tree)
	first := map[string][]byte{}
	for _, name := range []string{"dir/a", "gone"} {
		first[name], err = rec.ReadFile(name)
		must(t, err)
	}
	entry, err := rec.Lookup("dir/b") // its hash is that of its content
	must(t, err)
	write(t, base, map[string]string{"dir/a": "other", "dir/b": "other", "dir/c": "other"})
	must(t, os.Remove(filepath.Join(base, "gone")))
	for name, want := range map[string]string{"dir/a": "one", "link": "one", "dir/b": "one", "dir/c": "other", "gone": "one"} {
		if got, err := rec.ReadFile(name); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v, want %q", name, got, err, want)
		}
	}
	if again, err := rec.Lookup("dir/b"); err != nil || again != entry {
		t.Errorf("dir/b: %v, %v, want %v", again, err, entry)
	}
	if !rec.Facts().Hold(tree) {
		t.Error("the facts do not hold on the tree that they are of")
	}
	now, err := Snapshot(base)
	must(t, err)
	if rec.Facts().Hold(now) {
		t.Error("the facts hold on another one")
	}
	first["dir/a"][0] = 'X' // who asked may change what it got
	if got, err := tree.ReadFile("dir/a"); err != nil || string(got) != "one" {
		t.Errorf("dir/a: %q, %v", got, err)
	}
}

// What is too much is read whenever it is asked for.
func TestSnapshotLimits(t *testing.T) {
	base := t.TempDir()
	write(t, base, map[string]string{"small": "one", "later": "one", "large": strings.Repeat("x", maxKeptFile+1)})
	d, err := openDisk(base)
	must(t, err)
	tree := newTree(&still{disk: d, room: 5, files: map[string]*held{}}, Limits{})
	for _, name := range []string{"large", "small", "later"} {
		_, err := tree.ReadFile(name)
		must(t, err)
	}
	large, err := tree.Lookup("large")
	must(t, err)
	write(t, base, map[string]string{"small": "two", "later": "two", "large": strings.Repeat("y", maxKeptFile+1)})
	for name, want := range map[string]string{"small": "one", "later": "two", "large": "yyy"} {
		if got, err := tree.ReadFile(name); err != nil || !strings.HasPrefix(string(got), want) {
			t.Errorf("%s: %.3q, %v, want %q", name, got, err, want)
		}
	}
	if now, err := tree.Lookup("large"); err != nil || now.Hash == large.Hash {
		t.Errorf("large: %v, %v, want another hash", now, err)
	}
	if _, err := newTree(tree.source, Limits{FileSize: 2}).ReadFile("small"); !errors.Is(err, ErrTooLarge) {
		t.Errorf("what is kept, and over the limit of who asks: %v", err)
	}
}

// A directory that becomes a link after it was listed leads nowhere else.
func TestDiskStaysInside(t *testing.T) {
	for kind, open := range map[string]func(string) (*Tree, error){"directory": Dir, "snapshot": Snapshot} {
		t.Run(kind, func(t *testing.T) {
			base, outside := t.TempDir(), t.TempDir()
			write(t, outside, map[string]string{"a": "outside", "sub/a": "outside"})
			write(t, base, map[string]string{"dir/a": "inside", "dir/sub/a": "inside", "file": "inside", "other/a": "inside"})
			tree, err := open(base)
			must(t, err)
			must(t, fs.WalkDir(tree, ".", func(_ string, _ fs.DirEntry, err error) error { return err }))
			for _, name := range []string{"dir", "file", "other"} {
				must(t, os.RemoveAll(filepath.Join(base, name)))
			}
			must(t, os.Symlink(outside, filepath.Join(base, "dir")))
			must(t, os.Symlink(filepath.Join(outside, "a"), filepath.Join(base, "file")))
			for _, name := range []string{"dir/a", "dir/sub/a", "file", "other/a"} {
				if got, err := tree.ReadFile(name); err == nil {
					t.Errorf("%s: read %q", name, got)
				}
				if entry, err := tree.Lookup(name); err == nil {
					t.Errorf("%s: found %v", name, entry)
				}
			}
		})
	}
}

// Many who read at once get the same.
func TestSnapshotConcurrently(t *testing.T) {
	base := t.TempDir()
	files := map[string]string{}
	for i := range 40 {
		files[fmt.Sprintf("d%d/f%d", i%3, i)] = strings.Repeat(fmt.Sprint(i), 100)
	}
	write(t, base, files)
	tree, err := Snapshot(base)
	must(t, err)
	var g errgroup.Group
	for range 8 {
		g.Go(func() error {
			for name, want := range files {
				entry, err := tree.Lookup(name)
				got, readErr := tree.ReadFile(name)
				if err := errors.Join(err, readErr); err != nil || string(got) != want || entry.Hash == "" {
					return fmt.Errorf("%s: %q, %w", name, got, err)
				}
			}
			return nil
		})
	}
	must(t, g.Wait())
}
