package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/apply"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/plan"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// The hooks of a deletion, PreDelete and PostDelete. How far one is, is how its
// object is; the mark on it says of which deletion it is, and what it was made
// of. Our finalizer holds the object until its stage is over. So a hook that has
// succeeded is not run again, whoever goes on (SEMANTICS.md 2.2).

// runsLast is the stage that runs the hooks of a type, as Git states them now.
func runsLast(t api.HookType) func(context.Context, *pass) (bool, error) {
	return func(ctx context.Context, p *pass) (bool, error) {
		over, err := p.lastWaves(ctx, t)
		if err != nil {
			return false, fmt.Errorf("cannot run the %s hooks: %w; %s", t, err, wayOut(t))
		}
		return over, nil
	}
}

// lastWaves runs wave after wave, until one has to be waited for.
func (p *pass) lastWaves(ctx context.Context, t api.HookType) (over bool, err error) {
	runs, err := p.lastRuns(ctx, t)
	if err != nil {
		return false, err
	}
	for _, w := range plan.Build(nil, runs, plan.Policy{}).Waves {
		if over, err = p.lastWave(ctx, t, w); err != nil || !over {
			return false, err
		}
	}
	return true, nil
}

// wayOut says what happens meanwhile, and what a person can do.
func wayOut(t api.HookType) string {
	until := "until then nothing is deleted"
	finalizer := api.FinalizerPreDelete
	if t == api.HookPostDelete {
		until, finalizer = "until then the Application stays", api.FinalizerPostDelete
	}
	return fmt.Sprintf("%s (hint: remove finalizer %s from the Application to go on without them)", until, finalizer)
}

// lastRuns returns the runs of the hooks of a type, and how far each is.
func (p *pass) lastRuns(ctx context.Context, t api.HookType) ([]plan.Run, error) {
	desired, err := p.desire(ctx)
	if err != nil {
		return nil, err
	}
	p.refused = map[manifest.Key]string{}
	var runs []plan.Run
	for _, h := range desired.Hooks {
		if !slices.Contains(h.Types, t) {
			continue
		}
		p.permits(h.Object)
		o, err := p.hookObject(h, p.lastName(h, t), lastMark(p.app, h, t))
		if err != nil {
			return nil, err
		}
		runs = append(runs, plan.Run{Hook: h, Type: t, Object: o})
	}
	if err := p.refusal(); err != nil {
		return nil, err
	}
	if err := p.watch(ctx, objects(runs)); err != nil {
		return nil, err
	}
	live := p.to.Cluster.Snapshot(p.name, objects(runs))
	for i := range runs {
		runs[i].Live = live[runs[i].Key()]
		p.judgeLast(&runs[i])
	}
	return runs, nil
}

// lastName is what a hook's object is called. It does not depend on the commit
// that Git is at now: a hook that has run is known by it when another is mended.
func (p *pass) lastName(h plan.Hook, t api.HookType) string {
	revision := p.app.Status.Sync.Revision
	if revisions := p.app.Status.Sync.Revisions; len(revisions) > 0 {
		revision = revisions[0]
	}
	return plan.HookName(h.Object, revision, t, p.app.DeletionTimestamp.Unix(), 0)
}

// lastMark names the deletion, what the hook is made of, and the moment:
// "1790000000.3f9ac81e.PreDelete".
func lastMark(app *api.Application, h plan.Hook, t api.HookType) string {
	return fmt.Sprintf("%d.%.8s.%s", app.DeletionTimestamp.Unix(), h.Object.Hash(), t)
}

// judgeLast finds out how far a run is. One that has not succeeded begins anew if
// somebody deletes its object, or if Git states another.
func (p *pass) judgeLast(r *plan.Run) {
	switch {
	case r.Live == nil:
	case !p.owns(r.Live):
		r.Phase, r.Message = api.OperationError, inTheWay(r.Live)
	case ofThis(p.app, r.Live, r.Type):
		r.Phase, r.Message = p.progress(r)
		other := r.Live.Deleting || r.Live.Operation != lastMark(p.app, r.Hook, r.Type)
		if r.Phase != api.OperationSucceeded && other {
			r.Anew, r.Phase, r.Message = true, "", ""
		}
	}
}

// ofThis says that a live hook is of a type, and of the deletion that goes on.
func ofThis(app *api.Application, l *diff.Live, t api.HookType) bool {
	started, _, moment, ok := parseMark(l.Operation)
	return ok && moment == t && started == strconv.FormatInt(app.DeletionTimestamp.Unix(), 10)
}

// ofDeletion says that a live hook is one of a deletion, not of a sync.
func ofDeletion(l *diff.Live) bool {
	_, _, moment, ok := parseMark(l.Operation)
	return ok && (moment == api.HookPreDelete || moment == api.HookPostDelete)
}

// lastWave begins the hooks of a wave, and reports whether all have succeeded.
func (p *pass) lastWave(ctx context.Context, t api.HookType, w plan.Wave) (over bool, err error) {
	if failed := failedRuns(w); len(failed) > 0 {
		p.report.add(api.ConditionDeletionError, fmt.Sprintf("%s; mend it in Git, or delete its object to have it run again; %s",
			describe(failed), wayOut(t)))
		return false, nil
	}
	if left, err := p.clearsLast(ctx, w); left || err != nil {
		return false, err
	}
	if !w.Done() {
		return false, p.beginLast(ctx, w)
	}
	running := slices.IndexFunc(w.Runs, isRunning)
	if running >= 0 {
		p.report.add(ConditionDeletionWarning, waitingForHook(w.Runs[running]))
	}
	return running < 0, nil
}

// clearsLast deletes what stands in the place of the wave's hooks. It reports
// whether that has to be waited for.
func (p *pass) clearsLast(ctx context.Context, w plan.Wave) (left bool, err error) {
	for _, r := range w.Runs {
		l := r.Leftover()
		if l == nil {
			continue
		}
		left = true
		p.report.add(ConditionDeletionWarning, fmt.Sprintf("waiting for the end of hook %s of an earlier run", l.Key))
		if err := p.removeHook(ctx, l); err != nil {
			return true, fmt.Errorf("delete hook %s of an earlier run: %w", l.Key, err)
		}
	}
	return left, nil
}

// beginLast makes the objects of a wave's hooks. The status names them first, so
// that whoever goes on watches their kinds.
func (p *pass) beginLast(ctx context.Context, w plan.Wave) error {
	options := apply.Options{Sync: p.app.Spec.SyncPolicy.Options()}
	if failed := p.apply.Preflight(ctx, plan.Plan{Waves: []plan.Wave{w}}, options); len(failed) > 0 {
		return errors.New("the API server refuses " + describe(failed))
	}
	for _, r := range w.Runs {
		p.report.add(ConditionDeletionWarning, waitingForHook(r))
		p.mention(r)
	}
	p.status.Conditions = p.report.merged(p.app.Status.Conditions, p.now)
	if err := p.write(ctx); err != nil {
		return err
	}
	if failed := apply.Failed(p.apply.Wave(ctx, w, options)); len(failed) > 0 {
		return errors.New(describe(failed))
	}
	return nil
}

// mention names the object of a run in the status.
func (p *pass) mention(r plan.Run) {
	key := r.Key()
	entry := api.ResourceStatus{
		Group: key.Group, Version: r.Object.Version, Kind: key.Kind, Namespace: key.Namespace, Name: key.Name,
		Hook: true, SyncWave: int64(r.Wave()), Health: &api.HealthStatus{Status: api.HealthMissing},
	}
	same := func(known api.ResourceStatus) bool { return objectOf(known) == key }
	p.status.Resources = append(slices.DeleteFunc(slices.Clone(p.status.Resources), same), entry)
}

// cleansUp is the stage that lets go of the hooks of a type, and deletes those
// whose delete policy says so.
func cleansUp(t api.HookType) func(context.Context, *pass) (bool, error) {
	return func(ctx context.Context, p *pass) (over bool, err error) {
		if err := p.watch(ctx, nil); err != nil {
			return false, err
		}
		over = true
		for _, l := range p.liveHooks() {
			if !ofThis(p.app, l, t) {
				continue
			}
			if lastFate(l) == release {
				err = errors.Join(err, p.releaseHook(ctx, l))
				continue
			}
			over = false
			err = errors.Join(err, p.removeHook(ctx, l))
		}
		return over, err
	}
}

// lastFate is what becomes of a hook when its deletion is over.
func lastFate(l *diff.Live) fate {
	policies := plan.ParsePolicies(l.HookPolicies, "")
	switch l.Health.Code {
	case api.HealthHealthy, "":
		if policies.Succeeded {
			return remove
		}
	case api.HealthDegraded, api.HealthUnknown:
		if policies.Failed {
			return remove
		}
	}
	return gone(l)
}
