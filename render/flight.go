package render

import (
	"context"
	"sync"
)

// flights lets one render of a key run at a time. Who waited finds its result
// in the cache.
type flights struct {
	mu      sync.Mutex
	running map[string]chan struct{} // closed at the end of the flight; nil while nobody waits for it
}

// enter waits until no other flight has the key. leave must be called.
func (f *flights) enter(ctx context.Context, key string) (leave func(), err error) {
	for {
		before := f.begin(key)
		if before == nil {
			return func() { f.end(key) }, nil
		}
		select {
		case <-before:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// begin returns nil, or the flight that must end first.
func (f *flights) begin(key string) chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	before, flying := f.running[key]
	if flying && before == nil {
		before = make(chan struct{})
		f.running[key] = before
	}
	if flying {
		return before
	}
	if f.running == nil {
		f.running = map[string]chan struct{}{}
	}
	f.running[key] = nil
	return nil
}

func (f *flights) end(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if waiting := f.running[key]; waiting != nil {
		close(waiting)
	}
	delete(f.running, key)
}
