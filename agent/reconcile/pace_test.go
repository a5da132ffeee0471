package reconcile

import (
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/settings"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func paced(r *Reconciler, data map[string]string) *settings.Settings {
	s := settings.Read(data, nil)
	r.Settings = func() *settings.Settings { return s }
	return s
}

// 1.4 refresh loop: timeout.reconciliation and its jitter say when the next look is,
// unless the agent was told.
func TestNext(t *testing.T) {
	for _, tt := range []struct {
		name             string
		interval, jitter string
		insist           bool
		least, most      time.Duration
	}{
		{"as usual", "", "", false, 3 * time.Minute, 270 * time.Second},
		{"1.4 timeout.reconciliation: it counts", "60s", "", false, time.Minute, 90 * time.Second},
		{"1.4 timeout.reconciliation.jitter: so does it", "60s", "10s", false, time.Minute, 70 * time.Second},
		{"no jitter", "60s", "0s", false, time.Minute, time.Minute},
		{"the agent was told", "60s", "0s", true, 3 * time.Minute, 3 * time.Minute},
		{"never: only so often that it stays watched", "0", "", false, longest, longest},
		{"too seldom for that", "2h", "2h", false, longest, longest * 3 / 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := New(Config{Refresh: 3 * time.Minute, Insist: tt.insist})
			data := map[string]string{}
			if tt.interval != "" {
				data["timeout.reconciliation"] = tt.interval
			}
			if tt.jitter != "" {
				data["timeout.reconciliation.jitter"] = tt.jitter
			}
			paced(r, data)
			for range 100 {
				if got := r.Next(); got < tt.least || got > tt.most {
					t.Fatalf("got %s, want %s to %s", got, tt.least, tt.most)
				}
			}
		})
	}
}

// 1.4 timeout.hard.reconciliation: what is kept is dropped once in that time, from
// the first look on.
func TestOverdue(t *testing.T) {
	p := passOver(appIn(t, "web", `{}`))
	s := paced(p.r, map[string]string{"timeout.hard.reconciliation": "1h", "timeout.reconciliation.jitter": "0s"})
	begun := p.now.Time
	for _, step := range []struct {
		after   time.Duration
		overdue bool
		again   time.Duration
	}{
		{0, false, time.Hour}, {50 * time.Minute, false, 10 * time.Minute}, {61 * time.Minute, true, time.Hour},
		{62 * time.Minute, false, 59 * time.Minute}, {121 * time.Minute, true, time.Hour},
	} {
		p.again, p.pace, p.now = 0, p.r.pace(s), metav1.NewTime(begun.Add(step.after))
		if got := p.overdue(); got != step.overdue || p.again != step.again {
			t.Errorf("after %s: %v, again in %s; want %v, %s", step.after, got, p.again, step.overdue, step.again)
		}
	}
	p.again, p.pace = 0, p.r.pace(&settings.Settings{})
	p.now = metav1.NewTime(begun.Add(1000 * time.Hour))
	if p.overdue() || p.again != 0 {
		t.Error("it is overdue, though nothing says so")
	}
}
