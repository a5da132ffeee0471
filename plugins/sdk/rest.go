package sdk

import (
	"runtime/debug"
	"sync"
	"time"
)

// restAfter is how long a plugin must have had nothing to do before it gives its
// memory back.
const restAfter = 3 * time.Second

// rest gives memory back to the system when no call is running.
type rest struct {
	mu      sync.Mutex // guards the fields below
	calls   int
	pending *time.Timer
}

// begin notes that a call began; what it returns notes that it ended.
func (r *rest) begin() (end func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls++
	if r.pending != nil {
		r.pending.Stop()
	}
	return r.end
}

func (r *rest) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.calls--; r.calls == 0 {
		r.pending = time.AfterFunc(restAfter, debug.FreeOSMemory)
	}
}
