package reconcile

import (
	"github.com/tidelock-io/tidelock/agent/api"
)

// asked is the operation that somebody asks for, or has asked for and that runs;
// nil if there is none.
func asked(app *api.Application, running *api.OperationState) *api.Operation {
	if running != nil && !running.Phase.Completed() && !running.Operation.InitiatedBy.Automated {
		return &running.Operation
	}
	return app.Operation
}

// pinned returns the revisions that an operation names, nil if it takes what the
// sources point at.
func pinned(op *api.Operation, retrying bool) []string {
	switch {
	case op == nil || op.Sync == nil:
		return nil
	case op.Retry.Refresh && retrying:
		return nil // each retry takes the newest revision
	case len(op.Sync.Revisions) > 0:
		return op.Sync.Revisions
	case op.Sync.Revision != "":
		return []string{op.Sync.Revision}
	}
	return nil
}

// retrying says that an operation waits for a retry (SEMANTICS.md 1.7).
func retrying(op *api.OperationState) bool {
	return op != nil && op.Phase == api.OperationRunning && op.FinishedAt != nil
}

// withSources returns an Application with the sources of an operation, which a
// rollback names, in the place of its own.
func withSources(app *api.Application, op *api.Operation) *api.Application {
	if op == nil || op.Sync == nil || op.Sync.Source == nil && len(op.Sync.Sources) == 0 {
		return app
	}
	other := app.DeepCopy()
	other.Spec.Source, other.Spec.Sources, other.Spec.SourceHydrator = op.Sync.Source, op.Sync.Sources, nil
	return other
}

// bare says that an operation is all defaults, as `kubectl patch` makes it.
func bare(op *api.Operation) bool {
	return op.Sync.SyncOptions == nil && op.Retry == (api.Retry{}) && op.InitiatedBy == (api.Initiator{})
}

// broken ends the operation that somebody asked for, or leaves it to a retry, for
// there is nothing that it could sync (SEMANTICS.md 2.1, step 1).
func (p *pass) broken(why string) {
	op := asked(p.app, p.status.OperationState)
	if op == nil {
		return
	}
	if p.ends() { // that is to be stored before another takes its place
		p.soon(settle)
		return
	}
	state := p.status.OperationState
	if op == p.app.Operation {
		p.taken = true
		state = &api.OperationState{Operation: *op, Phase: api.OperationRunning, StartedAt: p.now, SyncResult: &api.SyncResult{}}
		state.Operation.Info = withoutApproved(op.Info)
		p.status.OperationState = state
	} else if retrying(state) && p.restOf(state) > 0 {
		return
	}
	state.FinishedAt = &p.now
	if op.Sync != nil && p.retry(state, why) {
		return
	}
	state.Phase, state.Message = api.OperationError, clip(why)
	p.soon(settle)
	p.r.Synced(p.app, state)
}
