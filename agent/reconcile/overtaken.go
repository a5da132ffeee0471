package reconcile

import "github.com/tidelock-io/tidelock/agent/api"

// overtaken ends an operation that a newer commit supersedes, if none takes its
// place, for there is nothing left to do: else it would seem to run, or to wait for
// its next try.
func (p *pass) overtaken(op *api.OperationState) {
	if op == nil || op.Phase.Completed() {
		return
	}
	op.Phase, op.FinishedAt = api.OperationFailed, &p.now
	op.Message = clip("superseded by a newer commit, with which there is nothing to do: " + op.Message)
	p.r.Synced(p.app, op)
}
