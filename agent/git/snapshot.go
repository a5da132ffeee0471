package git

import (
	"bytes"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
)

// What a snapshot keeps: files that are not large, up to so many bytes together. What
// is beyond it is read whenever it is asked for, as from Dir.
const (
	maxKeptFile = 4 << 20
	maxKept     = 256 << 20
)

// Snapshot is Dir for those who read the same files several times: a file is read from
// the disk once, and stays as it was then.
func Snapshot(name string) (*Tree, error) {
	d, err := openDisk(name)
	if err != nil {
		return nil, err
	}
	return newTree(&still{disk: d, room: maxKept, files: map[string]*held{}}, Limits{}), nil
}

// still is a disk that keeps what was read of it.
type still struct {
	*disk

	mu    sync.Mutex
	room  int              // bytes that are left; guarded by mu
	files map[string]*held // by path; guarded by mu
}

// What a file held when it was first read.
type held struct {
	data []byte
	hash plumbing.Hash
}

func (s *still) readFile(name string, id plumbing.Hash, limit int64) ([]byte, plumbing.Hash, error) {
	c, err := s.content(name, id, limit)
	if err != nil {
		return nil, plumbing.ZeroHash, err
	}
	return bytes.Clone(c.data), c.hash, nil
}

func (s *still) hash(name string, id plumbing.Hash) (plumbing.Hash, error) {
	if c, err := s.content(name, id, maxKeptFile); err == nil {
		return c.hash, nil
	}
	return s.disk.hash(name, id)
}

func (s *still) content(name string, id plumbing.Hash, limit int64) (*held, error) {
	s.mu.Lock()
	c := s.files[name]
	s.mu.Unlock()
	if c == nil {
		data, hash, err := s.disk.readFile(name, id, limit)
		if err != nil {
			return nil, err
		}
		c = s.keep(name, &held{data, hash})
	}
	if size := int64(len(c.data)); size > limit {
		return nil, tooLarge(name, size, limit)
	}
	return c, nil
}

// keep returns what a file is known to hold: another may have read it first.
func (s *still) keep(name string, c *held) *held {
	s.mu.Lock()
	defer s.mu.Unlock()
	if first := s.files[name]; first != nil {
		return first
	}
	if len(c.data) <= min(maxKeptFile, s.room) {
		s.room -= len(c.data)
		s.files[name] = c
	}
	return c
}
