package git

import (
	"crypto/rand"
	"os"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

// An interest is a revision that somebody asked for.
type interest struct {
	remote    *remote
	revision  string
	tagPrefix string
}

// A sight is what an interest was last seen to stand for.
type sight struct {
	sha   plumbing.Hash // zero: nothing
	asked time.Time     // by somebody, not by the watcher
}

// watch notes that somebody asks for a revision.
func (s *Store) watch(r *remote, repo Repo, revision string, sha plumbing.Hash) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := interest{r, revision, repo.TagPrefix}
	if known, ok := s.interests[key]; ok {
		known.asked = time.Now()
		return
	}
	s.interests[key] = &sight{sha, time.Now()}
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// watched returns the remotes that somebody is interested in, and forgets the
// others.
func (s *Store) watched(now time.Time) map[*remote]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	remotes := map[*remote]bool{}
	for key, known := range s.interests {
		if now.Sub(known.asked) > s.options.Idle {
			delete(s.interests, key)
			continue
		}
		remotes[key.remote] = true
	}
	for key, r := range s.remotes {
		if !remotes[r] && now.Sub(time.Unix(0, r.used.Load())) > s.options.Idle {
			delete(s.remotes, key) // such as one with a token that was rotated
		}
	}
	s.letGo()
	return remotes
}

// letGo drops the mirrors that no remote leads to any more. Who still reads one has its
// packs open. The caller holds s.mu.
func (s *Store) letGo() {
	used := map[*mirror]bool{}
	for _, r := range s.remotes {
		used[r.mirror] = true
	}
	for name, m := range s.mirrors {
		if used[m] {
			continue
		}
		delete(s.mirrors, name)
		gone := m.path + goneMirror + rand.Text() // another may be there before this one is removed
		if err := os.Rename(m.path, gone); err != nil {
			s.options.Log.Warn("git mirror of a repository that nobody asks for is not removed", "mirror", m.path, "error", err)
			continue
		}
		s.work.Go(func() error {
			if err := os.RemoveAll(gone); err != nil {
				s.options.Log.Warn("git mirror of a repository that nobody asks for is not removed", "mirror", gone, "error", err)
			}
			return nil
		})
	}
}

// goneMirror is what the directory of a mirror that is being removed has in its name.
const goneMirror = ".gone-"

// moved compares a listing with what was seen before, and notes it as seen.
func (s *Store) moved(r *remote, l *listing) []Moved {
	s.mu.Lock()
	defer s.mu.Unlock()
	var moves []Moved
	for key, known := range s.interests {
		if key.remote != r {
			continue
		}
		sha, _ := l.resolve(Repo{TagPrefix: key.tagPrefix}, key.revision)
		if sha != known.sha {
			moves = append(moves, Moved{r.repo.URL, key.revision, hexOf(known.sha), hexOf(sha)})
			known.sha = sha
		}
	}
	return moves
}
