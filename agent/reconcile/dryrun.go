package reconcile

import (
	"context"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/apply"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/plan"
)

// dryRun records what an operation would do, and ends it.
func (p *pass) dryRun(ctx context.Context, op *api.OperationState, todo plan.Plan) {
	if err := p.refusal(); err != nil {
		p.end(op, []apply.Result{{Err: err, Message: err.Error()}}, "")
		return
	}
	for _, entry := range wouldBe(todo) {
		p.record(op, entry)
	}
	failed := append(p.rejected, p.apply.Preflight(ctx, todo, p.options(op))...)
	p.note(op, failed)
	p.end(op, failed, "dry run: nothing was applied")
}

// wouldBe are the results that a plan would have, all of them good.
func wouldBe(todo plan.Plan) (entries []api.ResourceResult) {
	add := func(w plan.Wave, c diff.Change, version string, code api.ResultCode, done string) {
		entry := entryOf(w.Phase, apply.Result{Key: c.Key, Version: version, Code: code, Message: done + " (dry run)"})
		entry.HookType, entry.HookPhase = w.HookType(c), api.OperationSucceeded
		entries = append(entries, entry)
	}
	for _, w := range todo.Waves {
		if w.Phase == api.PhaseSyncFail {
			continue
		}
		for _, c := range w.Prunes {
			add(w, c, c.Live.Version, api.ResultPruned, "pruned")
		}
		for _, c := range w.Pending() {
			done := c.Key.Kind + " configured"
			if c.Live == nil {
				done = c.Key.Kind + " created"
			}
			add(w, c, c.Desired.Version, api.ResultSynced, done)
		}
	}
	return entries
}
