package shard

import (
	"context"
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// Running is the work that goes on, by what it is on. The zero value has none. It is
// safe for concurrent use.
type Running struct {
	mu    sync.Mutex // guards works
	works map[types.NamespacedName]*work
}

type work struct {
	cancel context.CancelFunc
	ended  chan struct{}
}

// Begin takes it that work on something begins, of which there is none; end must be
// called at its end. Whether it may be done is to be asked after that, so that Interrupt
// misses none.
func (r *Running) Begin(ctx context.Context, on types.NamespacedName) (working context.Context, end func()) {
	working, cancel := context.WithCancel(ctx)
	w := &work{cancel, make(chan struct{})}
	r.mu.Lock()
	if r.works == nil {
		r.works = map[types.NamespacedName]*work{}
	}
	r.works[on] = w
	r.mu.Unlock()
	return working, func() {
		cancel()
		r.mu.Lock()
		delete(r.works, on)
		r.mu.Unlock()
		close(w.ended)
	}
}

// Interrupt ends work, and waits until it has ended or ctx has.
func (r *Running) Interrupt(ctx context.Context, on func(types.NamespacedName) bool) {
	r.mu.Lock()
	var ending []*work
	for name, w := range r.works {
		if on(name) {
			w.cancel()
			ending = append(ending, w)
		}
	}
	r.mu.Unlock()
	for _, w := range ending {
		select {
		case <-w.ended:
		case <-ctx.Done():
			return
		}
	}
}
