package shard

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// A floor knows who is at work on what, and all that was written.
type floor struct {
	t    *testing.T
	mu   sync.Mutex // guards all below
	at   map[types.NamespacedName]stand
	log  []written
	done map[string]int
	more chan struct{} // closed when log has grown
}

// A stand is where somebody works.
type stand struct {
	who   string
	since time.Time
	clock *clock
}

// A written is a write on an application: the how manieth of those on it.
type written struct {
	app types.NamespacedName
	nth int
}

func newFloor(t *testing.T) *floor {
	return &floor{t: t, at: map[types.NamespacedName]stand{}, done: map[string]int{}, more: make(chan struct{})}
}

// works counts what was written on an application. The caller holds f.mu.
func (f *floor) works(app types.NamespacedName) int {
	for i := len(f.log) - 1; i >= 0; i-- {
		if f.log[i].app == app {
			return f.log[i].nth
		}
	}
	return 0
}

// begin checks that nobody else is at it, but for one that was stopped in the middle and
// cannot know, and that who begins knows what was written.
func (f *floor) begin(app types.NamespacedName, w *worker, known int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if other := f.at[app]; other.who != "" && !other.clock.stoppedSince(other.since) {
		f.t.Errorf("%s begins to work on %s, and %s is at it", w.name, app.Name, other.who)
	}
	if works := f.works(app); known != works {
		f.t.Errorf("%s begins to work on %s, and knows of %d of the %d times that somebody wrote", w.name, app.Name, known, works)
	}
	f.at[app] = stand{w.name, time.Now(), w.clock}
}

// write checks that who writes is the one whose work it is, and returns how much was
// written, on the application and in all.
func (f *floor) write(app types.NamespacedName, who string) (nth, all int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if at := f.at[app]; at.who != who {
		f.t.Errorf("%s writes on %s, and %s has begun to work on it", who, app.Name, at.who)
	}
	nth = f.works(app) + 1
	f.log = append(f.log, written{app, nth})
	close(f.more)
	f.more = make(chan struct{})
	return nth, len(f.log)
}

func (f *floor) end(app types.NamespacedName, who string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.at[app].who == who {
		delete(f.at, app)
	}
	f.done[app.Name+" by "+who]++
}

// A worker works on applications for a while each, as an agent does: it begins what
// its Share owns and ends what it is told to, not at once. What it writes passes a fence.
type worker struct {
	name    string
	clock   *clock
	line    line
	share   *Share
	floor   *floor
	running Running
	latest  time.Duration // how long a write may take

	mu sync.Mutex // guards all below
	// known is how many writes it knows of, by application.
	known  map[types.NamespacedName]int
	seen   int // how far its watch has come
	newest int // the newest write that it knows of
}

// knows takes it that a write is known, and all up to the newest.
func (w *worker) knows(app types.NamespacedName, nth, newest int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.known[app] = max(w.known[app], nth)
	w.newest = max(w.newest, newest)
}

// watches is told of all writes, in their order and late.
func (w *worker) watches(ctx context.Context) {
	for next := 0; ctx.Err() == nil; {
		w.floor.mu.Lock()
		more, news := w.floor.more, w.floor.log[next:]
		w.floor.mu.Unlock()
		for _, e := range news {
			for w.line.late(ctx) != nil && ctx.Err() == nil {
				time.Sleep(100 * time.Millisecond)
			}
			w.clock.awake()
			next++
			w.knows(e.app, e.nth, next)
			w.mu.Lock()
			w.seen = next
			w.mu.Unlock()
		}
		if len(news) > 0 {
			continue
		}
		select {
		case <-more:
		case <-ctx.Done():
		}
	}
}

// says is how far it has seen.
func (w *worker) says() Marks {
	w.mu.Lock()
	defer w.mu.Unlock()
	return Marks{"floor": {"works": strconv.Itoa(w.newest)}}
}

// catchUp waits until it has seen what those who had it wrote, if they have told. Else it
// asks, and is answered late, if at all, and by how things were when it was asked.
func (w *worker) catchUp(ctx context.Context, gain Gain) error {
	if err := w.sees(ctx, gain.Seen); err != nil {
		return err
	}
	now, newest := map[types.NamespacedName]int{}, 0
	w.floor.mu.Lock()
	for i, e := range w.floor.log {
		if gain.Has(e.app) && !gain.Told(e.app) {
			now[e.app], newest = e.nth, i+1
		}
	}
	w.floor.mu.Unlock()
	if len(now) == 0 {
		return nil
	}
	if err := w.line.late(ctx); err != nil || w.line.chance(5) == 0 && w.line.even == 0 {
		return errCut
	}
	for app, nth := range now {
		w.knows(app, nth, newest)
	}
	return nil
}

func (w *worker) sees(ctx context.Context, all []Marks) error {
	for _, marks := range all {
		until, err := strconv.Atoi(marks["floor"]["works"])
		if err != nil {
			return err
		}
		for tries := 0; ; tries++ {
			w.mu.Lock()
			seen := w.seen
			w.mu.Unlock()
			if seen >= until {
				break
			}
			if time.Sleep(10 * time.Millisecond); tries > 100 || ctx.Err() != nil {
				return errCut
			}
		}
	}
	return nil
}

// work is at one application again and again.
func (w *worker) work(ctx context.Context, app types.NamespacedName) {
	for ctx.Err() == nil {
		w.clock.awake()
		working, end := w.running.Begin(ctx, app)
		if w.share.Owns(app) {
			w.mu.Lock()
			known := w.known[app]
			w.mu.Unlock()
			w.floor.begin(app, w, known)
			w.writes(working, app)
			w.floor.end(app, w.name)
		}
		end()
		select {
		case <-time.After(time.Duration(1+w.line.chance(100)) * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// writes writes a few times, and once or twice more after it was told to end: as who has
// not heard it yet.
func (w *worker) writes(ctx context.Context, app types.NamespacedName) {
	more := 1 + w.line.chance(6)
	for range more {
		pause := time.Duration(w.line.chance(800)) * time.Millisecond
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			time.Sleep(pause / 8)
			more = min(more, 2)
		}
		w.clock.awake()
		if !w.share.Owns(app) {
			continue // the fence
		}
		time.Sleep(time.Duration(w.line.chance(int(w.latest/time.Millisecond))) * time.Millisecond)
		nth, all := w.floor.write(app, w.name)
		w.clock.awake()
		w.knows(app, nth, all)
	}
}
