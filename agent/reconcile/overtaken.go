package reconcile

import "github.com/tidelock-io/tidelock/agent/api"

// overtaken ends an operation that a newer commit supersedes, if none takes its
// place now: there may be nothing left to do, automated syncs may be switched off,
// a window closed. Else it would seem to run, or to wait for its next try.
func (p *pass) overtaken(op *api.OperationState, desired *Desired) {
	if op == nil || op != p.status.OperationState || op.Phase.Completed() || !p.superseded(op, desired) {
		return
	}
	p.conclude(op, api.OperationFailed, "superseded by a newer commit: "+op.Message)
}
