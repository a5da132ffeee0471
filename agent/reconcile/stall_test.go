package reconcile

import (
	"fmt"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// An operation that cannot go on waits, and ends when that took too long.
func TestStall(t *testing.T) {
	for _, tt := range []struct{ name, annotations, running, want string }{
		{"none runs", "{}", "null", "-"},
		{"it has ended", "{}", `{phase: Succeeded, message: done, operation: {}, startedAt: "2026-11-22T11:00:00Z"}`, "Succeeded done; Succeeded done; Succeeded done"},
		{"an hour, as for any wait", "{}", automaticOp,
			"Running waiting: no such path; Running waiting: no such path; Error not within 1h0m0s (tidelock.io/sync-timeout): no such path"},
		{"or what the Application says, from the operation's begin", "{tidelock.io/sync-timeout: 90m}", automaticOp,
			"Running waiting: no such path; Failed the operation has not ended within 1h30m0s: waiting: no such path; Failed the operation has not ended within 1h30m0s: waiting: no such path"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			app := read[api.Application](t, "{metadata: {annotations: "+tt.annotations+"}, spec: {destination: {}, project: a}, status: {operationState: "+tt.running+"}}")
			p := passOver(app)
			var got string
			for _, after := range []time.Duration{0, 45 * time.Minute, 75 * time.Minute} {
				p.now = metav1.NewTime(at.Add(after))
				p.stall("no such path")
				if op := p.status.OperationState; op != nil {
					got += fmt.Sprintf("; %s %s", op.Phase, op.Message)
				}
			}
			if got = (got + "; -")[2:]; tt.want != "-" {
				got = got[:len(got)-3]
			}
			if got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// The clock of a wait: objects that take turns in being unsettled do not put it
// back, what is done with does, and so does another try.
func TestWaiting(t *testing.T) {
	p := passOver(&api.Application{})
	for _, tt := range []struct {
		minute  int
		try     string
		done    int
		on      string
		minutes float64 // that the wait has lasted
	}{
		{0, "1", 0, "ConfigMap shop/a", 0},
		{10, "1", 0, "ConfigMap shop/b", 0},
		{20, "1", 0, "ConfigMap shop/a", 20},
		{30, "1", 0, "ConfigMap shop/b", 20},
		{40, "1", 1, "ConfigMap shop/a", 0},
		{50, "1", 1, "ConfigMap shop/a", 10},
		{60, "2", 1, "ConfigMap shop/a", 0},
	} {
		p.now = metav1.NewTime(at.Add(time.Duration(tt.minute) * time.Minute))
		since := p.waiting(tt.try, tt.done, keyIn(tt.on))
		if got := p.now.Sub(since).Minutes(); got != tt.minutes {
			t.Errorf("minute %d, try %s, %d done, %s: has waited %v minutes, want %v", tt.minute, tt.try, tt.done, tt.on, got, tt.minutes)
		}
	}
}
