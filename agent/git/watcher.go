package git

import (
	"context"
	"fmt"
	"maps"
	"sync/atomic"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"golang.org/x/sync/errgroup"
)

const (
	pollAtOnce = 8                      // servers asked at the same time
	pollGap    = 250 * time.Millisecond // between two polls of one repository, however many pushes are announced
	doubtGap   = 10 * time.Second       // the same if nobody has signed the announcements
	maxNotices = 1024                   // waiting to be looked at
	maxAwaited = 64                     // refs of one repository that were announced and are not seen yet
	never      = 365 * 24 * time.Hour   // until a poll that is due only once a push is announced
)

// retries are the waits for a push that was announced before it can be seen.
var retries = [...]time.Duration{
	100 * time.Millisecond, 300 * time.Millisecond, time.Second, 3 * time.Second, 10 * time.Second,
}

// Moved says that a revision stands for another commit than before.
type Moved struct {
	URL      string // as in Repo, without a password; SameRepo tells whose it is
	Revision string
	Old, New string // full SHAs; "" if there is none
}

// String prints the move on one line.
func (m Moved) String() string {
	return fmt.Sprintf("%s %s: %.7s -> %.7s", m.URL, m.Revision, m.Old, m.New)
}

// A Watcher asks servers, again and again, what the revisions stand for that
// somebody resolved in a Store: one ls-remote per repository and interval, and
// one at once when a push is announced.
type Watcher struct {
	store    *Store
	interval atomic.Int64 // a Duration; 0 is for ever
	jitter   func() time.Duration
	moved    func(Moved)
	notices  chan notice
	doubtGap time.Duration
	paced    chan struct{} // the interval is another

	// Reachable, if not nil, is told from Run when polls of a repository begin to
	// fail, and when they succeed again. Set it before Run.
	Reachable func(url string, ok bool)
}

// A notice is an announced push. It says where to look and is not believed. One that
// is signed may have a repository asked more often.
type notice struct {
	url, ref, sha string
	signed        bool
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
	w := &Watcher{store: store, jitter: jitter, moved: moved, notices: make(chan notice, maxNotices), doubtGap: doubtGap, paced: make(chan struct{}, 1)}
	w.interval.Store(int64(interval))
	return w
}

// Pace makes the watcher poll each interval from now on, or, if it is 0, only when
// a push is announced. It does not block.
func (w *Watcher) Pace(interval time.Duration) {
	if w.interval.Swap(int64(interval)) == int64(interval) {
		return
	}
	select {
	case w.paced <- struct{}{}:
	default: // the schedule is about to look anyway
	}
}

// Notify announces that ref of the repository at url was pushed and is at sha,
// both as full names ("refs/heads/main", 40 digits; sha may be ""). What the
// store was never asked for is ignored. If nobody has signed the announcement, it has
// a repository asked once within ten seconds, however many there are. Notify does not
// block; with too many notices waiting it drops this one, and polling finds the push.
func (w *Watcher) Notify(url, ref, sha string, signed bool) {
	select {
	case w.notices <- notice{url, ref, sha, signed}:
	default:
		w.store.options.Log.Warn("too many pushes announced at once, one is left to polling", "repository", redact(url))
	}
}

// Run watches until ctx ends.
func (w *Watcher) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(pollAtOnce)
	s := schedule{watcher: w, polls: map[*remote]*poll{}, done: make(chan answer)}
	for ctx.Err() == nil {
		s.sync(time.Now())
		s.start(ctx, g)
		s.wait(ctx)
	}
	return g.Wait()
}

// A schedule is the state of one Run. Only Run's own goroutine touches it.
type schedule struct {
	watcher *Watcher
	polls   map[*remote]*poll
	done    chan answer
}

// A poll is when a remote is asked next, and why.
type poll struct {
	due     time.Time
	since   time.Time // when the interval that ends then began
	began   time.Time
	running bool
	down    bool              // the last one failed
	awaited map[string]string // announced, by ref, and not seen yet
	tries   int               // to see them
	doubted bool              // nobody has signed what is awaited
}

// gap is between two polls of what is awaited.
func (w *Watcher) gap(doubted bool) time.Duration {
	if doubted {
		return w.doubtGap
	}
	return pollGap
}

type answer struct {
	remote  *remote
	listing *listing // nil if the server could not be asked
}

// sync takes up new remotes and lets go of those that nobody asks for.
func (s *schedule) sync(now time.Time) {
	watched := s.watcher.store.watched(now)
	for r := range watched {
		if s.polls[r] == nil {
			s.polls[r] = &poll{since: now, due: s.next(now), awaited: map[string]string{}}
		}
	}
	maps.DeleteFunc(s.polls, func(r *remote, p *poll) bool { return !watched[r] && !p.running })
}

// next is when a poll is due that nobody asks for.
func (s *schedule) next(since time.Time) time.Time {
	interval := time.Duration(s.watcher.interval.Load())
	if interval == 0 {
		return since.Add(never)
	}
	return since.Add(interval + s.watcher.jitter())
}

// pace sets when polls are due anew. Those for which a push is announced stay.
func (s *schedule) pace() {
	for _, p := range s.polls {
		if len(p.awaited) == 0 {
			p.due = s.next(p.since)
		}
	}
}

// start begins the polls that are due, as many as may run.
func (s *schedule) start(ctx context.Context, g *errgroup.Group) {
	now := time.Now()
	for r, p := range s.polls {
		if p.running || p.due.After(now) {
			continue
		}
		began := g.TryGo(func() error {
			l, err := s.watcher.store.list(ctx, r)
			if err != nil {
				s.watcher.store.options.Log.Info("git repository not polled", "error", err)
			}
			select {
			case s.done <- answer{r, l}:
			case <-ctx.Done():
			}
			return nil
		})
		if !began {
			return // the next answer makes room
		}
		p.running, p.began, p.since, p.due = true, now, now, s.next(now)
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

// announce brings the poll of a repository forward.
func (s *schedule) announce(n notice) {
	for r, p := range s.polls {
		if !SameRepo(r.repo.URL, n.url) {
			continue
		}
		if _, known := p.awaited[n.ref]; !known && len(p.awaited) >= maxAwaited {
			continue // the next poll finds it all the same
		}
		if n.signed || len(p.awaited) == 0 {
			p.doubted, p.tries = !n.signed, 0
		}
		p.awaited[n.ref] = n.sha
		p.soon(s.watcher.gap(!n.signed) - time.Since(p.began))
	}
}

func (p *poll) soon(in time.Duration) {
	if due := time.Now().Add(in); due.Before(p.due) {
		p.due = due
	}
}

// finish reports what an answer shows, and asks again soon if it does not show
// a push that was announced.
func (s *schedule) finish(a answer) {
	p := s.polls[a.remote]
	p.running = false
	if down := a.listing == nil; down != p.down {
		p.down = down
		if tell := s.watcher.Reachable; tell != nil {
			tell(a.remote.repo.URL, !down)
		}
	}
	if a.listing != nil {
		for _, move := range s.watcher.store.moved(a.remote, a.listing) {
			s.watcher.moved(move)
		}
		maps.DeleteFunc(p.awaited, func(ref, sha string) bool { return a.listing.shows(ref, sha) })
	}
	switch {
	case len(p.awaited) == 0:
		p.tries = 0
	case p.tries == len(retries):
		clear(p.awaited) // pushed over meanwhile, or never true
		p.tries = 0
	default:
		p.soon(max(retries[p.tries], s.watcher.gap(p.doubted)-time.Since(p.began)))
		p.tries++
	}
}

// shows reports whether ref is at sha; a zero sha means that it is gone.
func (l *listing) shows(ref, sha string) bool {
	h, there := l.refs[ref]
	if sha == "" || plumbing.NewHash(sha).IsZero() {
		return sha == "" || !there
	}
	return there && h.String() == sha
}
