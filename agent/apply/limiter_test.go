package apply

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A fakeServer works on so many requests at once, each for a while; all others
// wait in line. It keeps time by the clock of a synctest bubble.
type fakeServer struct {
	places chan struct{}
	work   time.Duration
	refuse bool

	mu           sync.Mutex // guards all below
	flying, peak int
}

func newServer(places int, work time.Duration) *fakeServer {
	return &fakeServer{places: make(chan struct{}, places), work: work}
}

func (s *fakeServer) RoundTrip(*http.Request) (*http.Response, error) {
	s.count(1)
	defer s.count(-1)
	s.places <- struct{}{}
	time.Sleep(s.work)
	<-s.places
	if s.refuse {
		return &http.Response{StatusCode: http.StatusTooManyRequests}, nil
	}
	return &http.Response{StatusCode: http.StatusOK}, nil
}

func (s *fakeServer) count(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flying += n
	s.peak = max(s.peak, s.flying)
}

// load makes n requests as soon as the limiter lets it, and returns how many were
// in flight at most in the last quarter, when the limiter has adapted.
func load(t *testing.T, l *limiter, s *fakeServer, n int) int {
	t.Helper()
	transport := l.watched(s)
	var all sync.WaitGroup
	for i := range n {
		if err := l.acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		if i == n*3/4 {
			s.mu.Lock()
			s.peak = s.flying
			s.mu.Unlock()
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, "https://server/", nil)
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			defer l.release()
			response, err := transport.RoundTrip(request)
			if err == nil && response.Body != nil {
				_ = response.Body.Close()
			}
		})
	}
	all.Wait()
	return s.peak
}

// The limiter finds how much a server can take, by how long its answers take.
func TestLimiterAdaptsToLatency(t *testing.T) {
	for _, tt := range []struct {
		name   string
		places int
		work   time.Duration
		least  int
		most   int
	}{
		{"a quick server gets all, though it has few places", 2, 5 * time.Millisecond, most, most},
		{"a server that takes long, whatever comes, gets all", most, 2 * time.Second, most, most},
		{"a slow server with few places is not drowned", 2, 200 * time.Millisecond, fewest, 8},
		{"one with more places gets more", 5, 200 * time.Millisecond, 8, 18},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, s := newLimiter(), newServer(tt.places, tt.work)
				l.pace = pace{tt.work, tt.work} // it has been idle before
				if got := load(t, l, s, 600); got < tt.least || got > tt.most {
					t.Errorf("%d requests in flight, want %d to %d", got, tt.least, tt.most)
				}
			})
		})
	}
}

// After a bad time the limit rises to where it was.
func TestLimiterRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, quick := newLimiter(), newServer(most, 10*time.Millisecond)
		load(t, l, quick, 100)
		load(t, l, newServer(2, time.Second), 200)
		if l.limit > most/2 {
			t.Fatalf("the limit is %v while the server is slow", l.limit)
		}
		if got := load(t, l, quick, 600); got != most {
			t.Errorf("%d requests in flight when the server is quick again, want %d", got, most)
		}
	})
}

func TestLimiterHalvesWhenTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := newLimiter(), newServer(most, 10*time.Millisecond)
		s.refuse = true
		if got := load(t, l, s, 100); got != fewest {
			t.Errorf("%d requests in flight, want %d", got, fewest)
		}
	})
}
