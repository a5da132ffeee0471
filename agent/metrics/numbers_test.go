package metrics

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
)

// TestNumbersMayWait: a Number that waits for a pass to be counted, of an Application that
// has no series yet, neither ends up waiting for the scrape that asks it, nor does the
// pass. More series than a scrape takes in at once are there beside it.
func TestNumbersMayWait(t *testing.T) {
	t.Parallel()
	var m *Metrics
	asked := 0
	m = New(Sources{Applications: func() []*api.Application { return nil }, Gauges: []Number{{Name: "tidelock_waits", Help: "h", Value: func() float64 {
		asked++
		counted := make(chan struct{})
		go func() {
			defer close(counted)
			m.Passed("argocd", application(fmt.Sprint("new-", asked)), time.Millisecond)
		}()
		<-counted
		return 1
	}}}})
	for i := range 3000 {
		m.Passed("argocd", application(fmt.Sprint("shop-", i)), time.Millisecond)
	}
	done := make(chan int)
	go func() {
		answer := httptest.NewRecorder()
		m.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		done <- answer.Code
	}()
	select {
	case code := <-done:
		if code != http.StatusOK || asked != 1 {
			t.Errorf("the scrape ended with %d, and asked %d times", code, asked)
		}
	case <-time.After(time.Minute):
		t.Fatal("the scrape hangs")
	}
}
