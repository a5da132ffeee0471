package shelf

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

func opened(t *testing.T, dir string, limit int64) *Shelf {
	t.Helper()
	s, err := Open(dir, limit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.root.Close() })
	return s
}

func TestKeeps(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	opened(t, dir, DefaultBytes).Put("key", []byte("data"))
	again := opened(t, dir, DefaultBytes)
	if data, ok := again.Get("key"); !ok || string(data) != "data" {
		t.Errorf("got %q, %v", data, ok)
	}
	if data, ok := again.Get("other"); ok {
		t.Errorf("got %q of what was never put", data)
	}
	for name, want := range map[string]fs.FileMode{".": fs.ModeDir | 0o700, "key": 0o600} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v, want %v", name, info.Mode(), err, want)
		}
	}
	again.Put("large", make([]byte, maxEntry))
	if _, ok := again.Get("large"); ok {
		t.Error("an entry beyond the limit is kept")
	}
}

// What is cut off, damaged, another's, or of a later format is as good as nothing.
func TestRubbish(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir, DefaultBytes)
	s.Put("key", []byte("data"))
	whole, err := os.ReadFile(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	try := func(what string, entry []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "key"), entry, 0o600); err != nil {
			t.Fatal(err)
		}
		if data, ok := s.Get("key"); ok {
			t.Errorf("%s: got %q", what, data)
		}
	}
	for n := range whole {
		try(fmt.Sprintf("cut off at %d", n), whole[:n])
		flipped := bytes.Clone(whole)
		flipped[n] ^= 4
		try(fmt.Sprintf("flipped at %d", n), flipped)
	}
	try("longer", append(bytes.Clone(whole), 'x'))
	try("of a later format", bytes.Replace(whole, []byte("shelf 1"), []byte("shelf 2"), 1))
	try("another key's", seal("other", []byte("data")))
	try("too large", append(bytes.Clone(whole), make([]byte, maxEntry)...))
	if err := os.WriteFile(filepath.Join(dir, "elsewhere"), seal("link", []byte("data")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Symlink("elsewhere", filepath.Join(dir, "link")), os.Mkdir(filepath.Join(dir, "directory"), 0o700)); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"link", "directory", "../elsewhere", "/etc/passwd", ""} {
		if data, ok := s.Get(key); ok {
			t.Errorf("%q: got %q", key, data)
		}
	}
	s.Put("link", []byte("new"))
	if info, err := os.Lstat(filepath.Join(dir, "link")); err != nil || !info.Mode().IsRegular() {
		t.Error("an entry was written through a link")
	}
}

func TestTraps(t *testing.T) {
	base := t.TempDir()
	in := func(name string) string { return filepath.Join(base, name) }
	if err := errors.Join(
		os.Mkdir(in("real"), 0o700), os.Symlink("real", in("link")), os.WriteFile(in("file"), nil, 0o600),
		os.Mkdir(in("shared"), 0o700), os.Chmod(in("shared"), 0o777), os.Mkdir(in("readable"), 0o755),
	); err != nil {
		t.Fatal(err)
	}
	traps := []string{"link", "file", "shared"}
	if err := os.Mkdir(in("strange"), 0o700); err == nil && os.Chown(in("strange"), 1, 1) == nil {
		traps = append(traps, "strange") // as root only
	}
	for _, name := range traps {
		if _, err := Open(in(name), DefaultBytes); !errors.Is(err, ErrTrap) {
			t.Errorf("%s: %v", name, err)
		}
	}
	opened(t, in("readable"), DefaultBytes)
	if info, err := os.Stat(in("readable")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("others may still read it: %v, %v", info.Mode(), err)
	}
}

// The bound holds, and what was used last stays.
func TestBounded(t *testing.T) {
	dir := t.TempDir()
	const limit = 100 << 10
	s := opened(t, dir, limit)
	old := time.Now().Add(-48 * time.Hour)
	data := bytes.Repeat([]byte("x"), 1000)
	for i := range 60 {
		s.Put(fmt.Sprintf("old-%d", i), data)
	}
	for i := range 60 {
		if err := os.Chtimes(filepath.Join(dir, fmt.Sprintf("old-%d", i)), old.Add(time.Duration(i)*time.Minute), old.Add(time.Duration(i)*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := s.Get("old-0"); !ok { // the oldest, and in use
		t.Fatal("it is gone too early")
	}
	for name, when := range map[string]time.Time{".new-dead": old, ".new-alive": time.Now()} {
		if err := errors.Join(os.WriteFile(filepath.Join(dir, name), data, 0o600), os.Chtimes(filepath.Join(dir, name), when, when)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 70 {
		s.Put(fmt.Sprintf("new-%d", i), data)
		if entries, total := s.entries(time.Now()); total > limit+limit/8+2000 {
			t.Fatalf("%d entries have %d bytes", len(entries), total)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = opened(t, dir, limit)
	if _, total := s.entries(time.Now()); total > limit || total < limit/2 {
		t.Errorf("%d bytes are kept", total)
	}
	for key, want := range map[string]bool{"old-0": true, "old-1": false, "old-2": false, "new-0": true, "new-69": true} {
		if _, ok := s.Get(key); ok != want {
			t.Errorf("%s: %v", key, ok)
		}
	}
	for name, want := range map[string]bool{".new-dead": false, ".new-alive": true} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Several processes write, read and drop the same entries. What is read is whole.
func TestAtOnce(t *testing.T) {
	dir := t.TempDir()
	var g errgroup.Group
	for p := range 4 {
		s := opened(t, dir, 20<<10)
		g.Go(func() error {
			for i := range 300 {
				key := fmt.Sprintf("key-%d", i%40)
				s.Put(key, []byte(strings.Repeat(key+fmt.Sprint(" by ", p, "\n"), 100)))
				data, ok := s.Get(fmt.Sprintf("key-%d", (i+p*7)%40))
				if line, _, _ := strings.Cut(string(data), "\n"); ok && string(data) != strings.Repeat(line+"\n", 100) {
					return fmt.Errorf("half an entry: %.100q", data)
				}
			}
			s.sweep()
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	listed, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range listed {
		if strings.HasPrefix(e.Name(), unfinished) {
			t.Errorf("%s was left behind", e.Name())
		}
	}
}
