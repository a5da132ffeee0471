package git

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// An lfsStore is the directory lfs/objects of a repository, as git-lfs has it.
type lfsStore struct {
	path  string // of the repository
	limit int64  // bytes of all files
}

func (s lfsStore) file(oid string) string {
	return filepath.Join(s.path, "lfs", "objects", oid[:2], oid[2:4], oid)
}

// read returns a file that is there and whole.
func (s lfsStore) read(p pointer) ([]byte, bool) {
	f, err := os.Open(s.file(p.oid))
	if err != nil {
		return nil, false
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, p.size+1))
	if err != nil || p.check(content) != nil {
		return nil, false
	}
	if s.limit > 0 {
		now := time.Now()
		_ = os.Chtimes(f.Name(), now, now) // so that it stays
	}
	return content, true
}

// write keeps a file, and lets go of those that were not read for the longest
// time.
func (s lfsStore) write(p pointer, content []byte) error {
	name := s.file(p.oid)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	if err := writeFile(name, content); err != nil {
		return err
	}
	return s.shrink(name)
}

// shrink removes old files, other than keep, until the rest is within the limit.
func (s lfsStore) shrink(keep string) error {
	type held struct {
		name string
		size int64
		at   time.Time
	}
	var files []held
	var total int64
	err := filepath.WalkDir(filepath.Join(s.path, "lfs", "objects"), func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			files, total = append(files, held{name, info.Size(), info.ModTime()}), total+info.Size()
		}
		return err
	})
	slices.SortFunc(files, func(a, b held) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.name, b.name)) })
	for _, f := range files {
		if total <= s.limit {
			break
		}
		if f.name == keep {
			continue
		}
		if err := os.Remove(f.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		total -= f.size
	}
	return err
}
