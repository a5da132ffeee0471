package reconcile

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/apply"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/plan"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// waves runs wave after wave, until one has to be waited for.
func (p *pass) waves(ctx context.Context, op *api.OperationState, todo plan.Plan) {
	var before []diff.Change
	for _, w := range todo.Waves {
		if !w.Done() {
			if p.waits(op, todo, before) {
				return
			}
			results := p.r.Apply.Wave(ctx, w, propagation(op.Operation.Sync.SyncOptions))
			p.note(op, results)
			if failed := apply.Failed(results); len(failed) > 0 {
				p.end(op, failed, "")
				return
			}
		}
		before = append(before, w.Objects()...)
	}
	if p.app.Annotations[api.AnnotationWait] != "true" {
		before = nil // the last wave is not gated
	}
	if p.waits(op, todo, before) {
		return
	}
	message := "successfully synced (all tasks run)"
	if todo.Guard != "" {
		message += ", but for deletions, which are held: " + todo.Guard
	}
	p.end(op, nil, clip(message))
}

// waits suspends or ends the operation if it cannot go on: an object is not
// settled, or one that was pruned is not gone.
func (p *pass) waits(op *api.OperationState, todo plan.Plan, before []diff.Change) bool {
	if waiting := p.unsettled(before); waiting != nil {
		p.await(op, waiting)
		return true
	}
	if leaving := p.leaving(todo); leaving != nil {
		op.Message = fmt.Sprintf("waiting for the deletion of %s", leaving.Key)
		return true
	}
	return false
}

// leaving returns an object that is being deleted and that Git does not state.
func (p *pass) leaving(todo plan.Plan) *diff.Live {
	var first *diff.Live
	for key, l := range p.r.Cluster.Snapshot(p.name, nil) {
		if l.Deleting && !todo.States(key) && (first == nil || key.Compare(first.Key) < 0) {
			first = l
		}
	}
	return first
}

// unsettled returns the first object that a later wave has to wait for, as it
// is now.
func (p *pass) unsettled(before []diff.Change) *diff.Live {
	set := make(manifest.Set, 0, len(before))
	for _, c := range before {
		set = append(set, c.Desired)
	}
	live := p.r.Cluster.Snapshot(p.name, set)
	for _, c := range before {
		if l := live[c.Key]; l != nil && !l.Unmonitored && !l.Health.Settled() {
			return l
		}
	}
	return nil
}

// await suspends the operation until an object is settled; one that is degraded
// ends it.
func (p *pass) await(op *api.OperationState, on *diff.Live) {
	text := fmt.Sprintf("%s is %s", on.Key, strings.ToLower(string(on.Health.Code)))
	if on.Health.Message != "" {
		text += ": " + on.Health.Message
	}
	if on.Health.Code == api.HealthDegraded {
		p.end(op, []apply.Result{{Key: on.Key, Message: text, Err: errors.New(text)}}, "")
		return
	}
	op.Message = clip("waiting for healthy state of " + text)
}
