package reconcile

import (
	"fmt"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
)

// deadline ends an operation that has not ended in the time that it is given,
// retries included; if there is none it may go on (SEMANTICS.md 1.4). It reports
// whether it has.
func (p *pass) deadline(op *api.OperationState) bool {
	limit := p.timeout(api.AnnotationSyncTimeout, nil, p.tuned.SyncTimeout)
	left, due := remaining(op, limit, p.now.Time)
	if !due {
		p.soon(left)
		return false
	}
	p.conclude(op, api.OperationFailed, fmt.Sprintf("the operation has not ended within %s: %s", limit, op.Message))
	return true
}

// expires has a pass made when the time of an operation is over, though nothing
// else happens: also of one that waits from its very beginning.
func (p *pass) expires(op *api.OperationState) {
	if op == nil {
		return
	}
	left, _ := remaining(op, p.timeout(api.AnnotationSyncTimeout, nil, p.tuned.SyncTimeout), p.now.Time)
	p.soon(left)
}

// remaining is the time that an operation has left; 0 if nothing bounds it. The
// clock runs from its beginning, whatever was tried since.
func remaining(op *api.OperationState, limit time.Duration, now time.Time) (left time.Duration, due bool) {
	if limit <= 0 {
		return 0, false
	}
	left = op.StartedAt.Add(limit).Sub(now)
	return left, left <= 0
}
