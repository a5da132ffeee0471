package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/apply"
	"github.com/tidelock-io/tidelock/agent/plan"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// fail ends the operation once the SyncFail hooks have run. What failed stands
// in its result, so that a later pass goes on with them.
func (p *pass) fail(ctx context.Context, op *api.OperationState, todo plan.Plan, failed []apply.Result) {
	for _, w := range todo.Waves {
		if w.Phase != api.PhaseSyncFail {
			continue
		}
		failed = append(failed, failedRuns(w)...) // says so, and is no reason to stop
		if slices.ContainsFunc(w.Runs, plan.Run.Pending) {
			if left := p.clears(ctx, op, w); left != nil {
				if p.patient(op, left.Key) {
					return
				}
				failed = append(failed, apply.Result{Key: left.Key, Err: errors.New(op.Message), Message: op.Message})
				break
			}
			failed = append(failed, p.do(ctx, op, w)...)
			op.Message = clip("running SyncFail hooks after: " + describe(failed))
			return
		}
		if slices.ContainsFunc(w.Runs, isRunning) {
			op.Message = clip("running SyncFail hooks after: " + describe(failed))
			return
		}
	}
	p.end(op, failed, "")
}

// failures lists what has failed in this try, before SyncFail hooks.
func failures(op *api.OperationState) (failed []apply.Result) {
	for _, entry := range op.SyncResult.Resources {
		if entry.SyncPhase == api.PhaseSyncFail || entry.HookPhase != api.OperationFailed && entry.HookPhase != api.OperationError {
			continue
		}
		if entry.HookType != "" {
			failed = append(failed, hookFailure(keyOf(entry), entry.HookType, entry.Message))
			continue
		}
		failed = append(failed, apply.Result{Key: keyOf(entry), Message: entry.Message, Err: fmt.Errorf("%s", entry.Message)})
	}
	return failed
}

// defaultSyncTimeout is how long an operation waits for one object, if the
// Application does not say otherwise.
const defaultSyncTimeout = time.Hour

// A wait is what an Application's operation waits for, and since when this
// process knows. The clock starts anew whenever something is done with, and not
// when objects take turns in being unsettled.
type wait struct {
	try   string
	done  int // objects of the try
	since map[manifest.Key]time.Time
}

// patience ends the operation if it has waited too long for an object
// (DESIGN.md D9).
func (p *pass) patience(ctx context.Context, op *api.OperationState, todo plan.Plan, on manifest.Key, message string) {
	if !p.patient(op, on) {
		p.failObject(ctx, op, todo, on, fmt.Sprintf("not within %s (%s): %s", p.timeout(api.AnnotationSyncTimeout, nil, defaultSyncTimeout), api.AnnotationSyncTimeout, message))
	}
}

// patient says that an operation may wait for an object for some more time.
func (p *pass) patient(op *api.OperationState, on manifest.Key) bool {
	timeout := p.timeout(api.AnnotationSyncTimeout, nil, defaultSyncTimeout)
	left := p.waiting(markOf(op, ""), settledIn(op), on).Add(timeout).Sub(p.now.Time)
	p.soon(left)
	return left > 0
}

// settledIn counts what a try of an operation is done with.
func settledIn(op *api.OperationState) (n int) {
	if op.SyncResult == nil {
		return 0
	}
	for _, entry := range op.SyncResult.Resources {
		if entry.HookPhase.Completed() {
			n++
		}
	}
	return n
}

// waiting returns since when a try of an operation waits for an object.
func (p *pass) waiting(try string, done int, on manifest.Key) time.Time {
	p.r.mu.Lock()
	defer p.r.mu.Unlock()
	w, ok := p.r.waits[p.name]
	if !ok || w.try != try || w.done != done {
		w = wait{try, done, map[manifest.Key]time.Time{}}
		p.r.waits[p.name] = w
	}
	if _, ok := w.since[on]; !ok {
		w.since[on] = p.now.Time
	}
	return w.since[on]
}
