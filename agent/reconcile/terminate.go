package reconcile

import (
	"context"
	"fmt"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// terminate ends the operation that somebody has terminated. What stands in the
// way of a sync does not stand in the way of its end: neither a spec that is wrong
// by now, nor a repository out of reach, nor a window (SEMANTICS.md 2.1). Its hooks
// go when that is stored.
func (p *pass) terminate(ctx context.Context) {
	op := p.status.OperationState
	if op == nil || op.Phase != api.OperationTerminating {
		return
	}
	p.conclude(op, api.OperationFailed, "Operation terminated")
	p.terminated = true
	p.app.Status.OperationState = op // what the rest of the pass goes by
	if err := p.watch(ctx, nil); err != nil {
		p.log.Warn("cannot look for the hooks of a terminated operation", "error", err)
		p.failed = true
	}
}

// conclude ends an operation for good, whatever it was about to do.
func (p *pass) conclude(op *api.OperationState, phase api.OperationPhase, message string) {
	if op.SyncResult == nil {
		op.SyncResult = &api.SyncResult{}
	}
	op.Phase, op.Message, op.FinishedAt = phase, clip(message), &p.now
	p.r.Synced(p.app, op)
	p.r.mu.Lock()
	defer p.r.mu.Unlock()
	p.r.failed[p.name] = p.rules
}

// stall says that the operation that runs cannot go on for now. It is given as
// long as for any other wait, and then it ends (DESIGN.md D9).
func (p *pass) stall(why string) {
	op := p.status.OperationState
	if op == nil || op.Phase.Completed() {
		return
	}
	op.Message = clip("waiting: " + why)
	if p.deadline(op) || p.patient(op, manifest.Key{}) {
		return
	}
	p.conclude(op, api.OperationError, fmt.Sprintf("not within %s (%s): %s",
		p.timeout(api.AnnotationSyncTimeout, nil, defaultSyncTimeout), api.AnnotationSyncTimeout, why))
}
