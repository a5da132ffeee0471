package reconcile

import (
	"fmt"
	"slices"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
)

// approval is when somebody has consented to deletions, by annotation; zero if
// nobody has.
func (p *pass) approval() time.Time {
	text, ok := p.app.Annotations[api.AnnotationDeletionApproved]
	if !ok {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		p.report.add(api.ConditionInvalidSpecError, fmt.Sprintf(
			"annotation %s: %.40q is no time such as 2026-11-22T11:00:00Z: it does not count", api.AnnotationDeletionApproved, text))
		return time.Time{}
	}
	return at
}

// confirmed says that somebody has consented to what an operation deletes: since
// it began, or before, to what the last one had to leave.
func (p *pass) confirmed(op *api.OperationState) bool {
	if len(op.Operation.Info) > 0 && slices.Contains(op.Operation.Info, consented) {
		return true
	}
	at := p.approval()
	return !at.IsZero() && !op.StartedAt.IsZero() && !at.Before(op.StartedAt.Time)
}

// consented is the note in an operation that what it deletes was consented to
// before it began.
var consented = api.Info{Name: api.AnnotationDeletionApproved, Value: "true"}

// consent is that note, if somebody has consented since the last operation began.
func (p *pass) consent() []api.Info {
	last := p.status.OperationState
	if at := p.approval(); last != nil && !at.IsZero() && !at.Before(last.StartedAt.Time) {
		return []api.Info{consented}
	}
	return nil
}
