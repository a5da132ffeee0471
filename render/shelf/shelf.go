// Package shelf keeps what one process has computed for the next one, in a
// directory that is the user's alone.
//
// Start with [Open], or with [NewCleared] for what need not be computed again because
// nothing came of it. What lies on a shelf is disposable: an entry that is cut off,
// damaged or another program's is as good as none, and the ones that were not used
// for the longest are dropped when there is too much. Several processes may use one
// at once.
package shelf

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// ErrTrap is in every error about a directory that is not the user's own.
var ErrTrap = errors.New("it is not safe to keep anything there")

// Limits of what is kept.
const (
	DefaultBytes = 128 << 20
	maxEntry     = 8 << 20
)

// A Shelf is an open directory of entries. It is safe for concurrent use.
type Shelf struct {
	root  *os.Root
	limit int64

	mu      sync.Mutex
	written int64 // bytes since the last sweep; guarded by mu
}

// Open returns the shelf of a directory, which is made if it is not there, and is
// to hold no more than a number of bytes. With ErrTrap the directory is a link,
// somebody else's, or others may write to it.
func Open(dir string, limit int64) (*Shelf, error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return nil, err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	named, err := os.Lstat(dir)
	if err != nil {
		return nil, err
	}
	if !named.IsDir() {
		return nil, fmt.Errorf("%s is no directory: %w", dir, ErrTrap)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	if err := own(root, named, dir); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return &Shelf{root: root, limit: limit}, nil
}

// own makes sure that an open directory is the one that was looked at, and the
// user's alone.
func own(root *os.Root, named fs.FileInfo, dir string) error {
	opened, err := root.Stat(".")
	switch {
	case err != nil:
		return err
	case !os.SameFile(named, opened):
		return fmt.Errorf("%s was replaced just now: %w", dir, ErrTrap)
	case !isMine(opened):
		return fmt.Errorf("%s is another user's: %w", dir, ErrTrap)
	case opened.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("others may write to %s: %w", dir, ErrTrap)
	case opened.Mode().Perm() != 0o700:
		return root.Chmod(".", 0o700)
	}
	return nil
}

// An entry is a line that says what it is, the digest of what follows, and that.
var heading = []byte("tidelock shelf 1\n")

// seal writes an entry for a key: under another name it is none.
func seal(key string, data []byte) []byte {
	sum := digest(key, data)
	return bytes.Join([][]byte{heading, sum[:], data}, nil)
}

func unseal(key string, entry []byte) ([]byte, bool) {
	rest, ok := bytes.CutPrefix(entry, heading)
	if !ok || len(rest) < sha256.Size {
		return nil, false
	}
	sum, data := rest[:sha256.Size], rest[sha256.Size:]
	want := digest(key, data)
	return data, bytes.Equal(sum, want[:])
}

func digest(key string, data []byte) [sha256.Size]byte {
	return sha256.Sum256(append([]byte(key+"\n"), data...))
}

// Get returns what was put under a key, if it is there and whole.
func (s *Shelf) Get(key string) ([]byte, bool) {
	info, err := s.root.Lstat(key)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxEntry {
		return nil, false
	}
	f, err := s.root.Open(key)
	if err != nil {
		return nil, false
	}
	defer f.Close()
	entry, err := io.ReadAll(io.LimitReader(f, maxEntry+1))
	if err != nil || len(entry) > maxEntry {
		return nil, false
	}
	data, ok := unseal(key, entry)
	if now := time.Now(); ok && now.Sub(info.ModTime()) > time.Hour {
		_ = s.root.Chtimes(key, now, now) // so that it is not the first to be dropped
	}
	return data, ok
}

// Put keeps data under a key, which must do as the name of a file. What cannot be
// kept is not: the next process does without.
func (s *Shelf) Put(key string, data []byte) {
	entry := seal(key, data)
	if len(entry) > maxEntry || s.write(key, entry) != nil {
		return
	}
	s.mu.Lock()
	s.written += int64(len(entry))
	full := s.written > s.limit/8
	s.mu.Unlock()
	if full {
		s.sweep()
	}
}

// unfinished begins the names of entries that are being written.
const unfinished = ".new-"

// write puts an entry in place as a whole.
func (s *Shelf) write(key string, entry []byte) error {
	name := unfinished + rand.Text()
	f, err := s.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(entry)
	if err = errors.Join(err, f.Close()); err == nil {
		err = s.root.Rename(name, key)
	}
	if err != nil {
		_ = s.root.Remove(name) // else a sweep does
	}
	return err
}

// Close drops what is too much, if anything was put.
func (s *Shelf) Close() error {
	s.mu.Lock()
	written := s.written
	s.mu.Unlock()
	if written > 0 {
		s.sweep()
	}
	return s.root.Close()
}
