package shelf

import (
	"cmp"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// abandoned is how old what is unfinished must be before its writer counts as dead.
const abandoned = time.Hour

// sweep drops the entries that were not used for the longest, until what is left is
// not too much. What other processes drop meanwhile is no matter.
func (s *Shelf) sweep() {
	s.mu.Lock()
	s.written = 0
	s.mu.Unlock()
	entries, total := s.entries(time.Now())
	slices.SortFunc(entries, func(a, b fs.FileInfo) int {
		return cmp.Or(a.ModTime().Compare(b.ModTime()), cmp.Compare(a.Name(), b.Name()))
	})
	for _, e := range entries {
		if total <= s.limit {
			return
		}
		if s.root.Remove(e.Name()) == nil {
			total -= e.Size()
		}
	}
}

// entries lists what there is, and how large it is together. What was never finished
// is dropped.
func (s *Shelf) entries(now time.Time) (entries []fs.FileInfo, total int64) {
	dir, err := s.root.Open(".")
	if err != nil {
		return nil, 0
	}
	defer dir.Close()
	listed, err := dir.ReadDir(-1)
	if err != nil {
		return nil, 0
	}
	for _, e := range listed {
		info, err := e.Info()
		switch {
		case err != nil || !info.Mode().IsRegular():
		case strings.HasPrefix(info.Name(), unfinished) && now.Sub(info.ModTime()) > abandoned:
			_ = s.root.Remove(info.Name()) // or the next sweep does
		default:
			entries, total = append(entries, info), total+info.Size()
		}
	}
	return entries, total
}
