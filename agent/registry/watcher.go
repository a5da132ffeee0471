package registry

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tidelock-io/tidelock/agent/git"
	"golang.org/x/sync/errgroup"
)

// pollAtOnce is how many servers are asked at the same time.
const pollAtOnce = 8

// Moved says that a revision stands for another version or content than before.
type Moved struct {
	URL      string // as in the place, without a password
	Chart    string // of a Helm repository
	Revision string // that was asked for
	Old, New string // what it stood for; "" for nothing. Both are equal if a version was published anew
}

// String prints the move on one line.
func (m Moved) String() string {
	return fmt.Sprintf("%s %s %s: %s -> %s", m.URL, m.Chart, m.Revision, m.Old, m.New)
}

// Concerns says whether who reads a chart of an address may have read what moved;
// of an artifact or a file the chart is "".
func (m Moved) Concerns(url, chart string) bool {
	return Same(m.URL, url, chart) && (m.Chart == "" || m.Chart == chart)
}

// Same says whether an address that a Watcher tells of is that of a repository, or
// of a chart in it.
func Same(told, url, chart string) bool {
	if strings.HasPrefix(told, ociScheme) {
		return told == git.Redact(inRegistry(Repo{Repo: git.Repo{URL: url}}, chart).URL)
	}
	return git.SameRepo(told, git.Redact(url))
}

// A Watcher asks servers, again and again, what the revisions stand for that
// somebody resolved in a Store.
type Watcher struct {
	store    *Store
	interval atomic.Int64 // a time.Duration; 0 is never
	jitter   func() time.Duration
	moved    func(Moved)
	notices  chan notice
	paced    chan struct{} // the interval is another

	// Reachable, if not nil, is told from Run when polls of a place begin to fail,
	// and when they succeed again. Set it before Run.
	Reachable func(url string, ok bool)
}

// NewWatcher returns a watcher that polls each interval (2 minutes if zero) plus
// what jitter returns, if it is not nil. It calls moved from Run, one call at a
// time, so moved should not dwell.
func NewWatcher(store *Store, interval time.Duration, jitter func() time.Duration, moved func(Moved)) *Watcher {
	if interval <= 0 {
		interval = 2 * time.Minute
	}
	if jitter == nil {
		jitter = func() time.Duration { return 0 }
	}
	w := &Watcher{store: store, jitter: jitter, moved: moved, notices: make(chan notice, maxNotices), paced: make(chan struct{}, 1)}
	w.interval.Store(int64(interval))
	return w
}

// Pace makes the watcher poll each interval from now on, or never if it is 0. It
// does not block.
func (w *Watcher) Pace(interval time.Duration) {
	if w.interval.Swap(int64(interval)) == int64(interval) {
		return
	}
	select {
	case w.paced <- struct{}{}:
	default: // the schedule is about to look anyway
	}
}

// never is later than any agent lives.
const never = 100 * 365 * 24 * time.Hour

// Run watches until ctx ends.
func (w *Watcher) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(pollAtOnce)
	s := schedule{watcher: w, polls: map[*source]*poll{}, done: make(chan answer)}
	for ctx.Err() == nil {
		s.start(ctx, g, w.store.watched(time.Now()))
		s.wait(ctx)
	}
	return g.Wait()
}

// A schedule is the state of one Run. Only Run's own goroutine touches it.
type schedule struct {
	watcher *Watcher
	polls   map[*source]*poll
	done    chan answer
}

// A poll is when a source is asked next.
type poll struct {
	since   time.Time // when it began, or was taken up
	due     time.Time
	running bool
	asked   bool // there was one
	down    bool // the last one failed
}

type answer struct {
	source *source
	moves  []Moved
	err    error // the server could not be asked
}

// start begins the polls that are due, as many as may run, and lets go of sources
// that nobody asks for.
func (s *schedule) start(ctx context.Context, g *errgroup.Group, watched map[*source][]interest) {
	now := time.Now()
	maps.DeleteFunc(s.polls, func(src *source, p *poll) bool { return watched[src] == nil && !p.running })
	for src, interests := range watched {
		p := s.polls[src]
		if p == nil {
			p = &poll{since: now, due: s.next(now)}
			s.polls[src] = p
		}
		if p.running || p.due.After(now) {
			continue
		}
		p.running = g.TryGo(func() error {
			moves, err := s.watcher.store.poll(ctx, src, interests)
			select {
			case s.done <- answer{src, moves, err}:
			case <-ctx.Done():
			}
			return nil
		})
		if p.running {
			p.since, p.due, p.asked = now, s.next(now), true
		}
	}
}

func (s *schedule) next(since time.Time) time.Time {
	interval := time.Duration(s.watcher.interval.Load())
	if interval <= 0 {
		return since.Add(never)
	}
	return since.Add(interval + s.watcher.jitter())
}

// pace sets when polls are due anew.
func (s *schedule) pace() {
	for _, p := range s.polls {
		p.due = s.next(p.since)
	}
}

// wait returns when there may be something to do.
func (s *schedule) wait(ctx context.Context) {
	timer := time.NewTimer(time.Until(s.earliest()))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-s.watcher.store.changed:
	case <-s.watcher.paced:
		s.pace()
	case n := <-s.watcher.notices:
		s.announce(n)
	case a := <-s.done:
		s.finish(a)
	}
}

func (s *schedule) earliest() time.Time {
	first, running := time.Now().Add(never), 0
	for _, p := range s.polls {
		switch {
		case p.running:
			running++
		case p.due.Before(first):
			first = p.due
		}
	}
	if running >= pollAtOnce {
		return time.Now().Add(never) // an answer comes first
	}
	return first
}

// finish reports what an answer shows.
func (s *schedule) finish(a answer) {
	p := s.polls[a.source]
	p.running = false
	if down := a.err != nil; down != p.down {
		p.down = down
		if tell := s.watcher.Reachable; tell != nil {
			tell(a.source.place.URL, !down)
		}
	}
	for _, move := range a.moves {
		s.watcher.moved(move)
	}
}

// poll asks a server for news of revisions. Its error is that of the server; that
// a revision is gone is a move.
func (s *Store) poll(ctx context.Context, src *source, interests []interest) ([]Moved, error) {
	ctx, cancel := context.WithTimeout(ctx, s.options.AskTimeout)
	defer cancel()
	if err := src.turn.Acquire(ctx, 1); err != nil {
		return nil, src.busy(err)
	}
	defer src.turn.Release(1)
	at := time.Now()
	err := s.refresh(ctx, src)
	var moves []Moved
	for _, what := range interests {
		var p pin
		failed := err
		if failed == nil {
			p, failed = src.origin.find(ctx, what.chart, what.revision)
		}
		if move, ok := s.compare(what, p, failed, at); ok {
			moves = append(moves, move)
		}
		if failed != nil && !lost(failed) {
			err = failed // nor will it answer the next question
		}
	}
	if err != nil && ctx.Err() == nil {
		s.options.Log.Info("registry not polled", "error", err)
	}
	return moves, err
}

// compare notes what a poll has shown.
func (s *Store) compare(what interest, p pin, err error, at time.Time) (Moved, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.sights[what]
	if known == nil {
		return Moved{}, false
	}
	old := known.pin
	known.note(p, err, at)
	return Moved{
		URL: git.Redact(what.source.place.URL), Chart: what.chart, Revision: what.revision, Old: old.revision, New: known.pin.revision,
	}, old.revision != known.pin.revision || old.content != known.pin.content
}
