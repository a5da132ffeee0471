package agent

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// overdue is how much longer than its deadline a pass may take before it hangs for
// good: what it waits for does not heed its context.
const overdue = time.Minute

// busy knows since when passes run.
type busy struct {
	mu    sync.Mutex // guards since
	since map[types.NamespacedName]time.Time
}

// begin notes that a pass begins, and returns what is to be called at its end.
func (b *busy) begin(app types.NamespacedName) (end func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.since == nil {
		b.since = map[types.NamespacedName]time.Time{}
	}
	b.since[app] = time.Now()
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.since, app)
	}
}

// hanging counts the passes that have been running for longer than they may.
func (b *busy) hanging(now time.Time) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, since := range b.since {
		if now.Sub(since) > passTimeout+overdue {
			n++
		}
	}
	return n
}

// Backlog returns how many Applications wait for a pass that is due, and over how many
// one is made now.
func (a *Agent) Backlog() (waiting, working int) {
	a.busy.mu.Lock()
	defer a.busy.mu.Unlock()
	return a.queue.Len(), len(a.busy.since)
}

// Hanging returns how many passes have not ended though they were told to, long ago.
// Nothing but a restart ends them.
func (a *Agent) Hanging() int { return a.busy.hanging(time.Now()) }

// Listed says whether all Applications and AppProjects are known.
func (a *Applications) Listed() bool {
	for _, synced := range []chan struct{}{a.synced, a.Projects.synced} {
		select {
		case <-synced:
		default:
			return false
		}
	}
	return true
}
