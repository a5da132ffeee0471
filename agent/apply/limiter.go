package apply

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// Bounds of what is in flight at once, of all Applications. The API server gains
// little beyond the upper one (DRIFT.md, numbers).
const (
	fewest = 2
	most   = 24
)

// A limiter bounds the requests in flight, and adapts: each answer lets a little
// more through, each that says the server has too much to do halves it, and
// answers that take much longer than they could lower it bit by bit.
type limiter struct {
	mu      sync.Mutex // guards all below
	limit   float64
	flying  int
	waiting []chan struct{}
	pace    pace
	since   int // answers since pace last lowered the limit
}

func newLimiter() *limiter { return &limiter{limit: most} }

// acquire waits for a place.
func (l *limiter) acquire(ctx context.Context) error {
	l.mu.Lock()
	if l.flying < int(l.limit) {
		l.flying++
		l.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	l.waiting = append(l.waiting, turn)
	l.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		l.leave(turn)
		return ctx.Err()
	}
}

// Waiting returns how many requests wait for a place.
func (a *Applier) Waiting() int {
	a.flight.mu.Lock()
	defer a.flight.mu.Unlock()
	return len(a.flight.waiting)
}

// leave gives up a turn, or the place if it came just now.
func (l *limiter) leave(turn chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, w := range l.waiting {
		if w == turn {
			l.waiting = append(l.waiting[:i], l.waiting[i+1:]...)
			return
		}
	}
	l.flying--
	l.admit()
}

// release frees a place.
func (l *limiter) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flying--
	l.admit()
}

// admit lets those in who wait, in turn. The caller holds l.mu.
func (l *limiter) admit() {
	for len(l.waiting) > 0 && l.flying < int(l.limit) {
		close(l.waiting[0])
		l.waiting = l.waiting[1:]
		l.flying++
	}
}

// answered takes the status of an answer, 0 if there was none, and how long it
// took: additive increase, multiplicative decrease.
func (l *limiter) answered(status int, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.since++
	switch status {
	case 0, http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		l.limit = max(fewest, l.limit/2)
	default:
		l.paced(l.pace.slow(took))
	}
	l.admit()
}

// paced lowers the limit if answers are slow: once for all that are in flight,
// for what comes meanwhile tells nothing of the lower limit. The caller holds
// l.mu.
func (l *limiter) paced(slow bool) {
	switch {
	case !slow:
		l.limit = min(most, l.limit+1/l.limit)
	case l.since >= int(l.limit):
		l.limit, l.since = max(fewest, l.limit*relief), 0
	}
}

// watched tells the limiter of every answer, also of those that the client tries
// again by itself.
func (l *limiter) watched(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		begun := time.Now()
		response, err := next.RoundTrip(r)
		switch {
		case err == nil:
			l.answered(response.StatusCode, time.Since(begun))
		case r.Context().Err() == nil:
			l.answered(0, 0)
		}
		return response, err
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
