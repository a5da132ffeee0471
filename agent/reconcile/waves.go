package reconcile

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/apply"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/health"
	"github.com/tidelock-io/tidelock/agent/plan"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// waves runs wave after wave, until one has to be waited for.
func (p *pass) waves(ctx context.Context, op *api.OperationState, todo plan.Plan) {
	if failed := failures(op); len(failed) > 0 {
		p.fail(ctx, op, todo, failed)
		return
	}
	var before []diff.Change // objects of the waves that are done
	for _, w := range todo.Waves {
		if w.Phase == api.PhaseSyncFail {
			break
		}
		if !w.Done() && p.waits(ctx, op, todo, before) {
			return
		}
		if p.hesitates(op, w) || !p.wave(ctx, op, todo, w) {
			return
		}
		before = append(before, w.Objects...)
	}
	if !p.gatesLast(todo) {
		before = nil
	}
	if p.waits(ctx, op, todo, before) {
		return
	}
	message := "successfully synced (all tasks run)"
	if todo.Guard != "" {
		message += ", but for deletions, which are held: " + todo.Guard
	}
	p.end(op, nil, clip(message))
}

// gatesLast says that the health of the last wave counts, too: if the Application
// wants it, or if there are several waves and the last has hooks
// (SEMANTICS.md 2.1, step 4).
func (p *pass) gatesLast(todo plan.Plan) bool {
	if p.app.Annotations[api.AnnotationWait] == "true" {
		return true
	}
	waves := slices.DeleteFunc(slices.Clone(todo.Waves), func(w plan.Wave) bool { return w.Phase == api.PhaseSyncFail })
	return len(waves) > 1 && len(waves[len(waves)-1].Runs) > 0
}

// wave does what a wave has to do, and reports whether it is done with: what it
// applied is accepted, and its hooks have succeeded.
func (p *pass) wave(ctx context.Context, op *api.OperationState, todo plan.Plan, w plan.Wave) bool {
	if failed := failedRuns(w); len(failed) > 0 {
		p.fail(ctx, op, todo, failed)
		return false
	}
	if !w.Done() {
		if len(w.Unconfirmed) > 0 {
			op.Message = clip(fmt.Sprintf("waiting for pruning confirmation of %s: set annotation %s to a time not before %s",
				w.Unconfirmed[0].Key, api.AnnotationDeletionApproved, op.StartedAt.UTC().Format(timeLayout)))
			return false
		}
		if err := p.meetHooks(ctx, op, w); err != nil {
			p.failed, op.Message = true, clip(err.Error())
			return false
		}
		if left := p.clears(ctx, op, w); left != nil {
			p.patience(ctx, op, todo, left.Key, op.Message)
			return false
		}
		if failed := p.do(ctx, op, w); len(failed) > 0 {
			p.fail(ctx, op, todo, failed)
			return false
		}
		if pending := slices.IndexFunc(w.Runs, plan.Run.Pending); pending >= 0 {
			op.Message = waitingForHook(w.Runs[pending])
			return false
		}
	}
	if running := slices.IndexFunc(w.Runs, isRunning); running >= 0 {
		op.Message = waitingForHook(w.Runs[running])
		return false
	}
	return true
}

// timeLayout is how times are given in annotations.
const timeLayout = "2006-01-02T15:04:05Z07:00"

func isRunning(r plan.Run) bool { return r.Phase == api.OperationRunning }

func waitingForHook(r plan.Run) string {
	return clip(strings.TrimSuffix(fmt.Sprintf("waiting for completion of hook %s: %s", r.Key(), r.Message), ": "))
}

func failedRuns(w plan.Wave) (failed []apply.Result) {
	for _, r := range w.Runs {
		if r.Failed() {
			failed = append(failed, hookFailure(r.Key(), r.Type, r.Message))
		}
	}
	return failed
}

func hookFailure(key manifest.Key, t api.HookType, message string) apply.Result {
	text := strings.TrimSuffix(fmt.Sprintf("%s hook %s failed: %s", t, key, message), ": ")
	return apply.Result{Key: key, Message: text, Err: fmt.Errorf("%s", text)}
}

// clears deletes what is left of earlier runs of the wave's hooks. It returns one
// of them, if that has to be waited for.
func (p *pass) clears(ctx context.Context, op *api.OperationState, w plan.Wave) (left *diff.Live) {
	for _, r := range w.Runs {
		l := r.Leftover()
		if l == nil {
			continue
		}
		left = l
		if err := p.removeHook(ctx, l); err != nil {
			p.failed = true
			op.Message = clip(fmt.Sprintf("cannot delete hook %s of an earlier sync: %v", l.Key, err))
			return left
		}
	}
	if left != nil {
		op.Message = fmt.Sprintf("waiting for the deletion of hook %s of an earlier sync", left.Key)
	}
	return left
}

// do prunes, applies and begins hooks, and returns what failed.
func (p *pass) do(ctx context.Context, op *api.OperationState, w plan.Wave) []apply.Result {
	applied := map[manifest.Key]diff.Change{}
	for _, c := range w.Pending() {
		applied[c.Key] = c
	}
	results := p.apply.Wave(ctx, w, p.options(op))
	for _, r := range results {
		entry := entryOf(w.Phase, r)
		if c, ok := applied[r.Key]; ok {
			entry.HookType, entry.Images = w.HookType(c), imagesOf(c.Desired)
		}
		p.record(op, entry)
	}
	return apply.Failed(results)
}

// waits suspends or ends the operation if it cannot go on: an object is not
// settled, or perhaps not seen by its controller yet, or one that was pruned is
// not gone.
func (p *pass) waits(ctx context.Context, op *api.OperationState, todo plan.Plan, before []diff.Change) bool {
	if waiting := p.unsettled(before); waiting != nil {
		p.await(ctx, op, todo, waiting)
		return true
	}
	if p.heeds(op, before) {
		return true
	}
	p.settled(op, before)
	if leaving := leaving(p.to.Cluster.Snapshot(p.name, nil), todo); leaving != nil {
		op.Message = fmt.Sprintf("waiting for the deletion of %s", leaving.Key)
		p.patience(ctx, op, todo, leaving.Key, op.Message)
		return true
	}
	return false
}

// leaving returns an object that is being deleted and that Git does not state.
func leaving(live diff.Snapshot, todo plan.Plan) (first *diff.Live) {
	for key, l := range live {
		if l.Deleting && !l.Hook && !todo.States(key) && (first == nil || key.Compare(first.Key) < 0) {
			first = l
		}
	}
	return first
}

// unsettled returns an object that a later wave has to wait for, as it is now.
func (p *pass) unsettled(before []diff.Change) *diff.Live {
	set := make(manifest.Set, 0, len(before))
	for _, c := range before {
		if !p.itself(c.Key) {
			set = append(set, c.Desired)
		}
	}
	live := p.to.Cluster.Snapshot(p.name, set)
	for _, c := range before {
		if live[c.Key] == nil && c.Live != nil && !p.itself(c.Key) {
			return missing(c.Live)
		}
	}
	return awaited(set, live)
}

// missing is an object that was there when the pass began, and is not any more: the
// next one creates it anew.
func missing(was *diff.Live) *diff.Live {
	l := *was
	l.Health = health.Health{Code: api.HealthMissing, Message: "it was deleted meanwhile"}
	return &l
}

// awaited returns the first object that is not settled; one that is degraded
// before others, for it ends the wait at once (SEMANTICS.md 2.1, step 3).
func awaited(set manifest.Set, live diff.Snapshot) (first *diff.Live) {
	for _, o := range set {
		l := live[o.Key]
		switch {
		case l == nil || l.Unmonitored || l.Health.Settled():
		case l.Health.Code == api.HealthDegraded:
			return l
		case first == nil:
			first = l
		}
	}
	return first
}

// await suspends the operation until an object is settled; one that is degraded
// ends it (SEMANTICS.md 2.1, step 3).
func (p *pass) await(ctx context.Context, op *api.OperationState, todo plan.Plan, on *diff.Live) {
	text := fmt.Sprintf("%s is %s", on.Key, strings.ToLower(string(on.Health.Code)))
	if on.Health.Message != "" {
		text += ": " + on.Health.Message
	}
	if on.Health.Code == api.HealthDegraded {
		p.failObject(ctx, op, todo, on.Key, text)
		return
	}
	op.Message = clip("waiting for healthy state of " + text)
	p.patience(ctx, op, todo, on.Key, op.Message)
}

// failObject ends the operation because of what an object has become.
func (p *pass) failObject(ctx context.Context, op *api.OperationState, todo plan.Plan, key manifest.Key, text string) {
	failed := apply.Result{Key: key, Message: text, Err: fmt.Errorf("%s", text)}
	entry := entryOf(api.PhaseSync, failed)
	for _, known := range op.SyncResult.Resources {
		if keyOf(known) == key && known.HookType == "" {
			entry = known
			entry.HookPhase, entry.Message = api.OperationFailed, clip(text)
		}
	}
	p.record(op, entry) // so that a later pass knows
	p.fail(ctx, op, todo, []apply.Result{failed})
}

// settled records that the objects of a wave are as they should be.
func (p *pass) settled(op *api.OperationState, before []diff.Change) {
	done := make(map[manifest.Key]bool, len(before))
	for _, c := range before {
		done[c.Key] = true
	}
	for i, entry := range op.SyncResult.Resources {
		if entry.HookType == "" && entry.HookPhase == api.OperationRunning && done[keyOf(entry)] {
			op.SyncResult.Resources[i].HookPhase = api.OperationSucceeded
		}
	}
}
