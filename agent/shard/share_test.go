package shard

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

var (
	seeds     = flag.Int("shard.seeds", 20, "how many lives of replicas TestNoTwo makes up")
	firstSeed = flag.Uint64("shard.seed", 1, "the first of them")
)

// A table is an API server's Leases: what is written is in one order, is told of in
// that order and late, and may be lost on the way there or back.
type table struct {
	t  *testing.T
	mu sync.Mutex
	// guarded by mu
	random  *rand.Rand
	rows    map[string]Member
	log     []event
	version int
	calm    bool          // no message takes very long any more
	more    chan struct{} // closed when log has grown
}

type event struct {
	member  Member
	deleted bool
}

func newTable(t *testing.T, random *rand.Rand) *table {
	return &table{t: t, random: random, rows: map[string]Member{}, more: make(chan struct{})}
}

func (l *table) wrote(e event) {
	l.log = append(l.log, e)
	close(l.more)
	l.more = make(chan struct{})
}

// a line to the table is a replica's own.
type line struct {
	*table
	cut *bool // nothing gets through; guarded by table.mu
}

var errCut = errors.New("connection refused")

// late waits as long as a message takes, which is now and then very long.
func (l line) late(ctx context.Context) error {
	l.mu.Lock()
	took, cut := time.Duration(l.random.ExpFloat64()*float64(30*time.Millisecond)), *l.cut
	if l.random.IntN(100) == 0 && !l.calm {
		took += time.Duration(l.random.IntN(20_000)) * time.Millisecond
	}
	l.mu.Unlock()
	if cut {
		return errCut
	}
	select {
	case <-time.After(took):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ask does something there, and may lose the question or the answer.
func (l line) ask(ctx context.Context, do func() (Member, error)) (Member, error) {
	if err := l.late(ctx); err != nil {
		return Member{}, err
	}
	l.mu.Lock()
	made, err := do()
	l.mu.Unlock()
	if late := l.late(ctx); late != nil {
		return Member{}, late
	}
	return made, err
}

func (l line) put(m Member) Member {
	l.version++
	m.Version = strconv.Itoa(l.version)
	l.rows[m.ID] = m
	l.wrote(event{member: m})
	return m
}

func (l line) Create(ctx context.Context, m Member) (Member, error) {
	return l.ask(ctx, func() (Member, error) { return l.put(m), nil })
}

func (l line) Renew(ctx context.Context, m Member) (Member, error) {
	return l.ask(ctx, func() (Member, error) {
		if _, ok := l.rows[m.ID]; !ok {
			return Member{}, errGone
		}
		return l.put(m), nil
	})
}

func (l line) Delete(ctx context.Context, m Member) error {
	_, err := l.ask(ctx, func() (Member, error) {
		row, ok := l.rows[m.ID]
		switch {
		case !ok:
			return Member{}, errGone
		case m.Version != "" && m.Version != row.Version:
			return Member{}, errChanged
		}
		delete(l.rows, m.ID)
		l.wrote(event{row, true})
		return Member{}, nil
	})
	return err
}

func (l line) Follow(ctx context.Context, to Follower) {
	for l.late(ctx) != nil {
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return
		}
	}
	l.mu.Lock()
	var all []Member
	for _, m := range l.rows {
		all = append(all, m)
	}
	next := len(l.log)
	l.mu.Unlock()
	to.Listed(all)
	for ctx.Err() == nil {
		l.mu.Lock()
		more, news := l.more, l.log[next:]
		next = len(l.log)
		l.mu.Unlock()
		for _, e := range news {
			for l.late(ctx) != nil && ctx.Err() == nil {
				time.Sleep(100 * time.Millisecond)
			}
			if e.deleted {
				to.Deleted(e.member.ID)
			} else {
				to.Seen(e.member)
			}
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

// A worker works on applications for a while each, as an agent does: it begins what
// its Share owns and ends what it is told to, not at once.
type worker struct {
	share   *Share
	floor   *floor
	running Running
	mu      sync.Mutex // guards known
	// known is how much work it knows to be done, by application.
	known map[types.NamespacedName]int
}

// A floor knows who is at work on what, and how much was done.
type floor struct {
	t     *testing.T
	mu    sync.Mutex // guards all below
	at    map[types.NamespacedName]string
	works map[types.NamespacedName]int
	done  map[string]int
}

// begin also checks that who begins knows what was done.
func (f *floor) begin(app types.NamespacedName, who string, known int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if other := f.at[app]; other != "" {
		f.t.Errorf("%s begins to work on %s, and %s is at it", who, app.Name, other)
	}
	if known != f.works[app] {
		f.t.Errorf("%s begins to work on %s, and knows of %d of the %d times that somebody did", who, app.Name, known, f.works[app])
	}
	f.at[app] = who
}

func (f *floor) end(app types.NamespacedName, who string) (works int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.at, app)
	f.done[app.Name+" by "+who]++
	f.works[app]++
	return f.works[app]
}

func (w *worker) knows(app types.NamespacedName, works int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.known[app] = max(w.known[app], works)
}

func (w *worker) drain(ctx context.Context) {
	w.running.Interrupt(ctx, func(app types.NamespacedName) bool { return !w.share.Owns(app) })
}

// catchUp is answered late, if at all, and then by how things were when it was asked.
func (w *worker) catchUp(l line, random func(int) int) func(context.Context, func(types.NamespacedName) bool) error {
	return func(ctx context.Context, gained func(types.NamespacedName) bool) error {
		w.floor.mu.Lock()
		now := maps.Clone(w.floor.works)
		w.floor.mu.Unlock()
		if err := l.late(ctx); err != nil || random(5) == 0 {
			return errCut
		}
		for app, works := range now {
			if gained(app) {
				w.knows(app, works)
			}
		}
		return nil
	}
}

// work is at one application again and again.
func (w *worker) work(ctx context.Context, name string, app types.NamespacedName, random func(int) int) {
	for ctx.Err() == nil {
		working, end := w.running.Begin(ctx, app)
		if w.share.Owns(app) {
			w.mu.Lock()
			known := w.known[app]
			w.mu.Unlock()
			w.floor.begin(app, name, known)
			select {
			case <-time.After(time.Duration(random(3000)) * time.Millisecond):
			case <-working.Done():
				time.Sleep(time.Duration(random(200)) * time.Millisecond)
			}
			w.knows(app, w.floor.end(app, name))
		}
		end()
		select {
		case <-time.After(time.Duration(1+random(100)) * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// TestNoTwo: whoever comes, goes, is killed or cut off, and however late messages
// are, no two are ever at work on one application; and when all is quiet again, each
// is worked on.
func TestNoTwo(t *testing.T) {
	t.Parallel()
	for seed := *firstSeed; seed < *firstSeed+uint64(*seeds); seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { live(t, rand.New(rand.NewPCG(seed, 0))) })
		})
	}
}

// A replica is one process of an agent.
type replica struct {
	place string
	cut   *bool
	stop  context.CancelFunc
	ended chan struct{}
}

func start(l *table, f *floor, name, place string, apps []types.NamespacedName) *replica {
	ctx, stop := context.WithCancel(context.Background())
	r := &replica{place: place, cut: new(bool), stop: stop, ended: make(chan struct{})}
	random := func(n int) int {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.random.IntN(n)
	}
	w := &worker{floor: f, known: map[types.NamespacedName]int{}}
	w.share = New(Config{
		Leases: line{l, r.cut}, Name: name, Place: place, Address: name + ":8080", Term: DefaultTerm,
		Drain: w.drain, Gained: func() {}, CatchUp: w.catchUp(line{l, r.cut}, random), Log: slog.New(slog.DiscardHandler),
	})
	var all sync.WaitGroup
	all.Go(func() {
		if err := w.share.Run(ctx); err != nil {
			l.t.Error(err)
		}
	})
	for _, app := range apps {
		all.Go(func() { w.work(ctx, name, app, random) })
	}
	go func() {
		all.Wait()
		close(r.ended)
	}()
	return r
}

func (l *table) setCut(r *replica, cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	*r.cut = cut
}

// live has replicas live and die.
func live(t *testing.T, random *rand.Rand) {
	l, f := newTable(t, rand.New(rand.NewPCG(random.Uint64(), 0))), &floor{t: t, at: map[types.NamespacedName]string{}, works: map[types.NamespacedName]int{}, done: map[string]int{}}
	var apps []types.NamespacedName
	for i := range 12 {
		apps = append(apps, types.NamespacedName{Namespace: "argocd", Name: fmt.Sprintf("app-%d", i)})
	}
	var alive []*replica
	began := 0
	begin := func(place string) {
		began++
		alive = append(alive, start(l, f, fmt.Sprintf("replica-%d", began), place, apps))
	}
	take := func() *replica {
		i := random.IntN(len(alive))
		r := alive[i]
		alive = append(alive[:i:i], alive[i+1:]...)
		return r
	}
	for range 2 {
		begin("")
	}
	for range 25 {
		time.Sleep(time.Duration(random.IntN(12_000)) * time.Millisecond)
		switch action := random.IntN(5); {
		case action == 0 && len(alive) < 5:
			begin(fmt.Sprintf("place-%d", began))
		case action == 1 && len(alive) > 1:
			take().stop()
		case action == 2 && len(alive) > 1: // kill -9, and perhaps another container in its pod
			r := take()
			l.setCut(r, true)
			r.stop()
			<-r.ended
			if random.IntN(2) == 0 {
				begin(r.place)
			}
		case action == 3:
			r := alive[random.IntN(len(alive))]
			l.setCut(r, true)
			time.AfterFunc(time.Duration(random.IntN(40_000))*time.Millisecond, func() { l.setCut(r, false) })
		}
	}
	l.mu.Lock()
	l.calm = true
	l.mu.Unlock()
	time.Sleep(2 * time.Minute)
	f.mu.Lock()
	clear(f.done)
	f.mu.Unlock()
	time.Sleep(20 * time.Second)
	f.mu.Lock()
	for _, app := range apps {
		workers := 0
		for i := 1; i <= began; i++ {
			if f.done[fmt.Sprintf("%s by replica-%d", app.Name, i)] > 0 {
				workers++
			}
		}
		if workers != 1 {
			t.Errorf("%s is worked on by %d of %d replicas", app.Name, workers, len(alive))
		}
	}
	f.mu.Unlock()
	for _, r := range alive {
		r.stop()
	}
	time.Sleep(time.Minute) // also for those that were stopped before
}
