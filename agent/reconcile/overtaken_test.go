package reconcile

import (
	"fmt"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
)

// A superseded operation that nothing takes the place of does not run for ever.
func TestOvertaken(t *testing.T) {
	for _, tt := range []struct{ name, state, want string }{
		{"it waits", `{phase: Running, operation: {sync: {}, initiatedBy: {automated: true}}}`, "Failed: superseded by a newer commit: boom, told 1 times"},
		{"it has ended", `{phase: Succeeded, operation: {sync: {}, initiatedBy: {automated: true}}}`, "Succeeded: boom, told 0 times"},
		{"somebody has asked for it", `{phase: Running, operation: {sync: {}}}`, "Running: boom, told 0 times"},
		{"it is for this commit", `{phase: Running, operation: {sync: {}, initiatedBy: {automated: true}}, syncResult: {revision: new, source: {repoURL: r}}}`, "Running: boom, told 0 times"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			app := read[api.Application](t, "{metadata: {}, spec: {destination: {}, project: a, source: {repoURL: r}}, status: {operationState: {message: boom, startedAt: \"2026-11-22T11:00:00Z\", "+tt.state[1:]+"}}")
			told := 0
			p := passOver(app)
			p.r.Synced = func(*api.Application, *api.OperationState) { told++ }
			p.overtaken(p.status.OperationState, desiredAt("new"))
			if got := fmt.Sprintf("%s: %s, told %d times", p.status.OperationState.Phase, p.status.OperationState.Message, told); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	(&pass{}).overtaken(nil, nil)
}

// An operation that another program left running, without what one needs.
func TestSenseless(t *testing.T) {
	app := read[api.Application](t, `{metadata: {}, spec: {destination: {}, project: a}, status: {operationState: {phase: Running, startedAt: "2026-11-22T11:00:00Z", operation: {}}}}`)
	p := passOver(app)
	if op := p.current(desiredAt("new"), nil); op != nil || p.status.OperationState.Phase != api.OperationError {
		t.Errorf("got %+v and %+v, want its end", op, p.status.OperationState)
	}
	sound := read[api.OperationState](t, `{phase: Running, startedAt: "2026-11-22T11:00:00Z", operation: {sync: {}}}`)
	if p.senseless(sound) {
		t.Errorf("ended: %s", sound.Message)
	}
}
