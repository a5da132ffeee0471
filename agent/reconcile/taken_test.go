package reconcile

import (
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/window"
)

// TestTakenAutomatic: an automatic operation that somebody asked for, as a rolling sync of
// an ApplicationSet does, waits and is told of: it must not be lost. One that the agent
// would begin by itself is not begun.
func TestTakenAutomatic(t *testing.T) {
	for name, waits := range map[string]func(p *pass, op *api.OperationState) bool{
		"a window": func(p *pass, op *api.OperationState) bool {
			schedule, err := window.Compile([]api.SyncWindow{{Kind: "deny", Schedule: "* * * * *", Duration: "1h", Applications: []string{"*"}}})
			if err != nil {
				t.Fatal(err)
			}
			p.windows = schedule.For(window.TargetOf(p.app))
			return p.closed(op)
		},
		"a dependency": func(p *pass, op *api.OperationState) bool { return p.depends(t.Context(), op) },
		"an approval": func(p *pass, op *api.OperationState) bool {
			p.awaitApproval(op, approval{lacks: "nobody has approved"})
			return true
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, taken := range []bool{true, false} {
				p := passOver(appIn(t, "web", "annotations: {tidelock.io/depends-on: db}"))
				p.among()
				p.taken = taken
				op := &api.OperationState{
					Phase: api.OperationRunning, StartedAt: p.now, SyncResult: &api.SyncResult{},
					Operation: api.Operation{Sync: &api.SyncOperation{}, InitiatedBy: api.Initiator{Username: "applicationset-controller", Automated: true}},
				}
				if !waits(p, op) {
					t.Fatal("it does not wait")
				}
				switch got := p.status.OperationState; {
				case !taken && got != nil:
					t.Errorf("one that nobody asked for has begun: %+v", got)
				case taken && (got != op || got.Phase != api.OperationRunning || strings.TrimSpace(got.Message) == ""):
					t.Errorf("one that was asked for is %+v", got)
				}
			}
		})
	}
}
