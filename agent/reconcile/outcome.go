package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/apply"
	"github.com/tidelock-io/tidelock/agent/plan"
)

// note records what became of objects in the operation's result; the last word
// on an object replaces an earlier one.
func (p *pass) note(op *api.OperationState, results []apply.Result) {
	for _, r := range results {
		entry := api.ResourceResult{
			Group: r.Key.Group, Version: r.Version, Kind: r.Key.Kind, Namespace: r.Key.Namespace, Name: r.Key.Name,
			Status: r.Code, Message: clip(r.Message), SyncPhase: api.PhaseSync, HookPhase: api.OperationSucceeded,
		}
		if r.Err != nil {
			entry.HookPhase = api.OperationFailed
		}
		list := &op.SyncResult.Resources
		i := slices.IndexFunc(*list, func(old api.ResourceResult) bool {
			return old.Group == entry.Group && old.Kind == entry.Kind && old.Namespace == entry.Namespace && old.Name == entry.Name
		})
		if i < 0 {
			*list = append(*list, entry)
			continue
		}
		(*list)[i] = entry
	}
}

func skippedResults(todo plan.Plan) []apply.Result {
	var results []apply.Result
	for _, s := range todo.Skipped {
		results = append(results, apply.Result{
			Key: s.Change.Key, Version: s.Change.Live.Version, Code: api.ResultPruneSkipped, Message: s.Reason,
		})
	}
	return results
}

// end ends the operation: well if nothing failed, else for good or until a
// retry.
func (p *pass) end(op *api.OperationState, failed []apply.Result, message string) {
	op.FinishedAt = &p.now
	if len(failed) == 0 {
		p.ended = true
		op.Phase, op.Message = api.OperationSucceeded, message
		if full(op) {
			p.status.History = remember(p.app, op)
		}
		p.r.Synced(p.app, op)
		return
	}
	text := describe(failed)
	p.report.add(api.ConditionSyncError, text)
	if p.retry(op, text) {
		return
	}
	op.Phase, op.Message = api.OperationFailed, clip(text)
	p.soon(p.r.Refresh)
	p.r.Synced(p.app, op)
	p.r.mu.Lock()
	defer p.r.mu.Unlock()
	p.r.failed[p.name] = p.rules
}

// full says that the operation was for the whole Application, and real.
func full(op *api.OperationState) bool {
	return len(op.Operation.Sync.Resources) == 0 && !op.Operation.Sync.DryRun
}

// retry leaves the operation Running, with finishedAt set, until its next try
// (SEMANTICS.md 1.7).
func (p *pass) retry(op *api.OperationState, text string) bool {
	if !op.Operation.Retry.Allows(op.RetryCount) {
		return false
	}
	delay, err := op.Operation.Retry.Delay(op.RetryCount)
	if err != nil {
		p.report.add(api.ConditionInvalidSpecError, err.Error())
		return false
	}
	op.RetryCount++
	op.Message = clip(fmt.Sprintf("%s; retry %d in %s", text, op.RetryCount, delay))
	p.soon(delay)
	return true
}

// describe words what failed: the first error, and how many more.
func describe(failed []apply.Result) string {
	if len(failed) == 0 {
		return ""
	}
	text := failed[0].Err.Error()
	if more := len(failed) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return text
}

// finish writes the report of the pass.
func (p *pass) finish(ctx context.Context) error {
	p.status.Conditions = p.report.merged(p.app.Status.Conditions, p.now)
	if p.hold() {
		return nil
	}
	if p.quiet() {
		p.soon(p.r.Refresh)
		return nil
	}
	p.status.ReconciledAt = &p.now
	err := p.write(ctx)
	if refreshed := p.app.Annotations[api.AnnotationRefresh] != ""; refreshed {
		err = errors.Join(err, p.served(ctx))
	}
	return err
}
