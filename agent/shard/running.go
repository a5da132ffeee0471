package shard

import (
	"context"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// Running is the work that goes on, by what it is on. The zero value has none. It is
// safe for concurrent use.
type Running struct {
	mu    sync.Mutex // guards all below
	works map[*work]struct{}
	fewer chan struct{} // closed when some work has ended; nil if nobody waits for that
}

type work struct {
	on     types.NamespacedName
	cancel context.CancelFunc
}

// workKey is under which a context has the work that it is of.
type workKey struct{}

// Begin takes it that work on something begins; end must be called at its end. Whether it
// may be done is to be asked after that, so that Interrupt misses none.
func (r *Running) Begin(ctx context.Context, on types.NamespacedName) (working context.Context, end func()) {
	w := &work{on: on}
	working, w.cancel = context.WithCancel(context.WithValue(ctx, workKey{}, w))
	r.mu.Lock()
	if r.works == nil {
		r.works = map[*work]struct{}{}
	}
	r.works[w] = struct{}{}
	r.mu.Unlock()
	return working, func() {
		w.cancel()
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.works, w)
		if r.fewer != nil {
			close(r.fewer)
			r.fewer = nil
		}
	}
}

// Interrupt tells work to end.
func (r *Running) Interrupt(on func(types.NamespacedName) bool) *Ending {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := &Ending{of: r, works: map[*work]struct{}{}}
	for w := range r.works {
		if on(w.on) {
			w.cancel()
			e.works[w] = struct{}{}
		}
	}
	return e
}

// An Ending is work that was told to end, and may still go on.
type Ending struct {
	of    *Running
	works map[*work]struct{}
}

// On lists what it is on as long as it goes on, sorted.
func (e *Ending) On() []types.NamespacedName {
	on, _ := e.now()
	return on
}

// now also returns what is closed when some work has ended since.
func (e *Ending) now() (on []types.NamespacedName, fewer <-chan struct{}) {
	e.of.mu.Lock()
	defer e.of.mu.Unlock()
	for w := range e.works {
		if _, goesOn := e.of.works[w]; goesOn {
			on = append(on, w.on)
		}
	}
	slices.SortFunc(on, compareNames)
	if e.of.fewer == nil {
		e.of.fewer = make(chan struct{})
	}
	return slices.Compact(on), e.of.fewer
}

// Fewer returns when it is on less than on something, or ctx has ended.
func (e *Ending) Fewer(ctx context.Context, than int) {
	for {
		on, fewer := e.now()
		if len(on) < than {
			return
		}
		select {
		case <-fewer:
		case <-ctx.Done():
			return
		}
	}
}

// Wait returns when all of it has ended, or ctx has.
func (e *Ending) Wait(ctx context.Context) { e.Fewer(ctx, 1) }
