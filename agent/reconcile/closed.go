package reconcile

import (
	"github.com/tidelock-io/tidelock/agent/api"
)

// ConditionSyncWindowWarning names the sync window that something waits for, and
// when that changes.
const ConditionSyncWindowWarning api.ConditionType = "SyncWindowWarning"

// closed says that a sync window forbids to begin an operation, or to go on with
// it. An automatic one is then not begun; one that somebody asked for (a rolling sync
// of an ApplicationSet, too), or that runs, waits (SEMANTICS.md 2.5). The pass at the opening goes on.
func (p *pass) closed(op *api.OperationState) bool {
	automatic := op.Operation.InitiatedBy.Automated
	verdict := p.windows.Overrun(op.StartedAt.Time, p.now.Time, !automatic)
	if verdict.Allowed {
		if !verdict.Until.IsZero() { // if it runs until then, it says so when it closes
			p.soon(verdict.Until.Sub(p.now.Time))
		}
		return false
	}
	p.report.add(ConditionSyncWindowWarning, "sync is "+verdict.String())
	if !verdict.Until.IsZero() {
		p.soon(verdict.Until.Sub(p.now.Time))
	}
	if running := op == p.status.OperationState; automatic && !running && !p.taken {
		return true
	}
	op.Message = clip("Sync operation blocked by sync window: " + verdict.String())
	p.status.OperationState = op
	return true
}
