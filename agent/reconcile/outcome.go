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

// note records what became of objects of the Sync phase.
func (p *pass) note(op *api.OperationState, results []apply.Result) {
	for _, r := range results {
		p.record(op, entryOf(api.PhaseSync, r))
	}
}

// entryOf words a result as status has it. What was applied is Running until
// somebody has waited for its health, as in Argo CD.
func entryOf(phase api.SyncPhase, r apply.Result) api.ResourceResult {
	entry := api.ResourceResult{
		Group: r.Key.Group, Version: r.Version, Kind: r.Key.Kind, Namespace: r.Key.Namespace, Name: r.Key.Name,
		Status: r.Code, Message: clip(r.Message), SyncPhase: phase, HookPhase: api.OperationSucceeded,
	}
	switch {
	case r.Err != nil:
		entry.HookPhase = api.OperationFailed
	case r.Code == api.ResultSynced:
		entry.HookPhase = api.OperationRunning
	}
	return entry
}

// record puts an entry into the operation's result; the last word on an object,
// or on a run of a hook, replaces an earlier one.
func (p *pass) record(op *api.OperationState, entry api.ResourceResult) {
	list := &op.SyncResult.Resources
	i := slices.IndexFunc(*list, func(old api.ResourceResult) bool {
		return keyOf(old) == keyOf(entry) && old.HookType == entry.HookType
	})
	if i < 0 {
		*list = append(*list, entry)
		return
	}
	(*list)[i] = entry
}

// noteRuns records how far the hooks are.
func (p *pass) noteRuns(op *api.OperationState, runs []plan.Run) {
	for _, r := range runs {
		if r.Pending() {
			continue
		}
		entry := entryOf(api.SyncPhase(r.Type), apply.Result{Key: r.Key(), Version: r.Object.Version, Code: api.ResultSynced, Message: r.Message})
		entry.HookType, entry.HookPhase, entry.Images = r.Type, r.Phase, imagesOf(r.Object)
		if known := recorded(op, &r); known != nil && known.Status != "" {
			entry.Status = known.Status
		}
		p.record(op, entry)
	}
}

// begun says that this try has done something, so that its first checks are
// behind it.
func begun(op *api.OperationState) bool {
	return slices.ContainsFunc(op.SyncResult.Resources, func(r api.ResourceResult) bool { return r.Status != api.ResultPruneSkipped })
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
	if !op.Operation.InitiatedBy.Automated || approved(op) {
		p.soon(settle) // to compare with what the spec names again
	}
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
	p.conclude(op, api.OperationFailed, text)
	p.soon(p.pace.Rest)
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
	p.discreet()
	if p.hold() {
		return nil
	}
	if p.quiet() {
		p.tidy(ctx)
		return nil
	}
	p.status.ReconciledAt, p.status.ControllerNamespace = &p.now, p.r.Namespace
	err := p.write(ctx)
	if err == nil {
		p.r.named(p.name)
		p.tidy(ctx)
	}
	if refreshed := p.app.Annotations[api.AnnotationRefresh] != ""; refreshed {
		err = errors.Join(err, p.served(ctx))
	}
	return err
}
