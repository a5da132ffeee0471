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
	options, err := p.dryOptions(ctx, op, todo)
	if err == nil {
		err = p.refusal()
	}
	if err != nil {
		p.end(op, []apply.Result{{Err: err, Message: err.Error()}}, "")
		return
	}
	for _, entry := range wouldBe(todo) {
		p.record(op, entry)
	}
	failed := append(p.rejected, p.apply.Preflight(ctx, todo, options)...)
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

// dryOptions are the options of an operation that makes nothing: what would live
// in a namespace that it would make cannot be dry-run.
func (p *pass) dryOptions(ctx context.Context, op *api.OperationState, todo plan.Plan) (apply.Options, error) {
	o := p.options(op)
	name, err := p.namespaceToMake(op, todo)
	if err == nil && name != "" && p.apply.LacksNamespace(ctx, name) {
		o.Namespace = name
	}
	return o, err
}
