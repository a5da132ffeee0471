package main

import (
	"fmt"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/reconcile"
)

// operation says what runs and what it awaits, or why it has failed.
func (w *whys) operation() []reason {
	if asked := w.app.Operation; asked != nil {
		return []reason{{Topic: topicOperation, Text: "a sync is asked for" + byWhom(asked.InitiatedBy) + ", and the agent has not begun it"}}
	}
	op := w.app.Status.OperationState
	switch {
	case op == nil || op.Phase == api.OperationSucceeded:
		return nil
	case op.Phase.Completed():
		return w.failed(op)
	case op.FinishedAt != nil:
		return w.retrying(op)
	}
	return w.running(op)
}

func byWhom(who api.Initiator) string {
	switch {
	case who.Automated:
		return " by the agent itself"
	case who.Username != "":
		return " by " + oneLine(who.Username)
	}
	return ""
}

func (w *whys) running(op *api.OperationState) []reason {
	text := "a sync" + byWhom(op.Operation.InitiatedBy) + " runs"
	if op.Phase == api.OperationTerminating {
		text += ", and is told to end"
	}
	if op.RetryCount > 0 {
		text += fmt.Sprintf(", in try %d", op.RetryCount+1)
	}
	if op.Message != "" {
		text += ": " + oneLine(op.Message)
	}
	all := []reason{{Topic: topicOperation, Text: text, Since: op.StartedAt.Time, Hint: "tidelock terminate " + w.app.Name + " ends it"}}
	return append(all, w.under(op)...)
}

// under are the objects that the operation is at.
func (w *whys) under(op *api.OperationState) (all []reason) {
	if op.SyncResult == nil {
		return nil
	}
	for _, r := range op.SyncResult.Resources {
		if r.HookType == "" || r.HookPhase != api.OperationRunning {
			continue
		}
		name := nameOf(keyOf(r))
		all = append(all, reason{Topic: topicOperation, Object: &name, Text: fmt.Sprintf("%s hook, is running", r.HookType)})
	}
	return all
}

func (w *whys) retrying(op *api.OperationState) []reason {
	limit := "without end"
	if op.Operation.Retry.Limit >= 0 {
		limit = fmt.Sprintf("of %d", op.Operation.Retry.Limit)
	}
	return append([]reason{{
		Topic: topicOperation, Since: op.StartedAt.Time, Until: reconcile.RetryAt(op),
		Text: fmt.Sprintf("a sync%s has failed, and waits for retry %d %s: %s", byWhom(op.Operation.InitiatedBy), op.RetryCount, limit, oneLine(op.Message)),
		Hint: "tidelock terminate " + w.app.Name + " ends it",
	}}, broken(op)...)
}

// failed tells of the last operation, unless it was for another revision.
func (w *whys) failed(op *api.OperationState) []reason {
	r := reason{Topic: topicOperation, Text: "the last sync" + byWhom(op.Operation.InitiatedBy) + " has failed: " + oneLine(op.Message)}
	if op.FinishedAt != nil {
		r.Since = op.FinishedAt.Time
	}
	return append([]reason{r}, broken(op)...)
}

// broken are the objects that made an operation fail.
func broken(op *api.OperationState) (all []reason) {
	if op.SyncResult == nil {
		return nil
	}
	for _, r := range op.SyncResult.Resources {
		if r.Status != api.ResultSyncFailed && r.HookPhase != api.OperationFailed && r.HookPhase != api.OperationError {
			continue
		}
		name := nameOf(keyOf(r))
		all = append(all, reason{Topic: topicOperation, Object: &name, Text: "has failed: " + oneLine(r.Message)})
	}
	return all
}
