package shard

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
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

// drift is how fast or slow clocks may run: see doc.go.
const drift = 0.05

// TestNoTwo: whoever comes, goes, is killed, stopped or cut off, however late messages
// are and however clocks run, no two are ever at work on one application, but for one that
// was stopped in the middle: nobody writes what another may have begun; and when all is
// quiet again, each is worked on.
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
	*worker
	place string
	stop  context.CancelFunc
	ended chan struct{}
}

func start(l *table, f *floor, name, place string, rate float64, apps []types.NamespacedName) *replica {
	ctx, stop := context.WithCancel(context.Background())
	clock := newClock(rate)
	w := &worker{
		name: name, clock: clock, line: line{l, clock, new(bool)}, floor: f, known: map[types.NamespacedName]int{},
		latest: DefaultTerm / 12,
	}
	r := &replica{worker: w, place: place, stop: stop, ended: make(chan struct{})}
	w.share = New(Config{
		Leases: w.line, Name: name, Place: place, Address: name + ":8080", Term: DefaultTerm, Running: &w.running, Marks: w.says,
		CatchUp: w.catchUp, Gained: func(func(types.NamespacedName) bool) {}, Release: func() {}, Log: slog.New(slog.DiscardHandler), Clock: clock,
	})
	var all sync.WaitGroup
	all.Go(func() {
		if err := w.share.Run(ctx); err != nil {
			l.t.Error(err)
		}
	})
	all.Go(func() { w.watches(ctx) })
	for _, app := range apps {
		all.Go(func() { w.work(ctx, app) })
	}
	go func() {
		all.Wait()
		close(r.ended)
	}()
	return r
}

// setCut has nothing get through between a replica and the table, or anything again.
func (r *replica) setCut(cut bool) {
	r.line.mu.Lock()
	defer r.line.mu.Unlock()
	*r.line.cut = cut
}

func applications(n int) (apps []types.NamespacedName) {
	for i := range n {
		apps = append(apps, types.NamespacedName{Namespace: "argocd", Name: fmt.Sprintf("app-%d", i)})
	}
	return apps
}

// live has replicas live and die.
func live(t *testing.T, random *rand.Rand) {
	l, f := newTable(t, rand.New(rand.NewPCG(random.Uint64(), 0))), newFloor(t)
	apps := applications(12)
	var alive []*replica
	began := 0
	begin := func(place string) {
		began++
		alive = append(alive, start(l, f, fmt.Sprintf("replica-%d", began), place, 1-drift+2*drift*random.Float64(), apps))
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
		switch action := random.IntN(6); {
		case action == 0 && len(alive) < 5:
			begin(fmt.Sprintf("place-%d", began))
		case action == 1 && len(alive) > 1:
			take().stop()
		case action == 2 && len(alive) > 1: // kill -9, and perhaps another container in its pod
			r := take()
			r.setCut(true)
			r.stop()
			r.clock.goOn()
			<-r.ended
			if random.IntN(2) == 0 {
				begin(r.place)
			}
		case action == 3:
			r := alive[random.IntN(len(alive))]
			r.setCut(true)
			time.AfterFunc(time.Duration(random.IntN(40_000))*time.Millisecond, func() { r.setCut(false) })
		case action == 4:
			r := alive[random.IntN(len(alive))]
			r.clock.stop()
			time.AfterFunc(time.Duration(random.IntN(40_000))*time.Millisecond, r.clock.goOn)
		}
	}
	l.mu.Lock()
	l.calm = true
	l.mu.Unlock()
	time.Sleep(2 * time.Minute)
	f.mu.Lock()
	clear(f.done)
	f.mu.Unlock()
	time.Sleep(30 * time.Second)
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
