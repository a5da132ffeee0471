package registry

import (
	"context"
	"errors"
	"time"

	"github.com/tidelock-io/tidelock/agent/git"
	"golang.org/x/sync/semaphore"
)

// A source is one address reached with one set of credentials. What it says is
// not told to those who come with others.
type source struct {
	key       string
	place     Place // without a chart
	origin    origin
	turn      *semaphore.Weighted // one request at a time
	refreshed time.Time           // when the origin was last asked for news; guarded by turn
	used      time.Time           // guarded by Store.mu
}

func newSource(key string, place Place) *source {
	place.chart = ""
	return &source{key: key, place: place, turn: semaphore.NewWeighted(1), used: time.Now()}
}

func (src *source) treeKey(chart string, p pin) string {
	return src.key + "\n" + chart + "\n" + p.revision + "\n" + p.content
}

// busy is the error of who waited in vain for others' requests.
func (src *source) busy(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return src.place.failf(git.ErrRepository, "check that the server is up", "it is still busy with other requests").Because(err)
	}
	return err
}

// An interest is a revision that somebody asked for.
type interest struct {
	source   *source
	chart    string
	revision string
}

// A sight is what an interest was last seen to stand for.
type sight struct {
	pin   pin       // of revision "": nothing
	at    time.Time // when the server was asked
	err   error     // of a later attempt to ask
	asked time.Time // by somebody, not by the watcher
}

// seen returns a copy of a sight.
func (s *Store) seen(what interest) (sight, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.sights[what]
	if known == nil {
		return sight{}, false
	}
	return *known, true
}

// see notes what somebody was told who asked at a time.
func (s *Store) see(what interest, p pin, err error, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.sights[what]
	if known == nil {
		known = &sight{}
		s.sights[what] = known
		select {
		case s.changed <- struct{}{}:
		default:
		}
	}
	known.asked = time.Now()
	known.note(p, err, at)
}

// note keeps what was known if the server cannot be reached.
func (k *sight) note(p pin, err error, at time.Time) {
	k.err = err
	if err == nil || lost(err) {
		k.pin, k.at = p, at
	}
}

// pinned finds what a revision stood for that Resolve gave, whatever was asked
// for. A digest stands for itself.
func (s *Store) pinned(src *source, chart, revision string) (pin, bool) {
	if src.place.kind != helm && src.place.kind != file && digestForm.MatchString(revision) {
		return pin{revision: revision, content: revision}, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var latest *sight
	for what, known := range s.sights {
		if what.source == src && what.chart == chart && known.pin.revision == revision && (latest == nil || known.at.After(latest.at)) {
			latest = known
		}
	}
	if latest == nil {
		return pin{}, false
	}
	return latest.pin, true
}

// watched returns the sources that somebody is interested in, with what they are
// asked for, and forgets the others.
func (s *Store) watched(now time.Time) map[*source][]interest {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[*source][]interest{}
	for what, known := range s.sights {
		if now.Sub(known.asked) > s.options.Idle {
			delete(s.sights, what)
			continue
		}
		all[what.source] = append(all[what.source], what)
	}
	for key, src := range s.sources {
		if len(all[src]) == 0 && now.Sub(src.used) > s.options.Idle {
			src.origin.close()
			delete(s.sources, key) // such as one with a token that was rotated
		}
	}
	return all
}
