package reconcile

import (
	"context"
	"errors"
	"slices"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/destinations"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// A stage is a part of the deletion of an Application. It is to be done for as
// long as one of its finalizers is on the Application: by them the next pass, in
// this process or in another, knows where to go on (DESIGN.md D8).
type stage struct {
	finalizers []string
	// run takes the stage a step further, and reports whether it is over.
	run func(context.Context, *pass) (over bool, err error)
}

// stages are in the order of SEMANTICS.md 2.3.
var stages = []stage{
	{[]string{api.FinalizerPreDelete}, runsLast(api.HookPreDelete)},
	{cascades, func(ctx context.Context, p *pass) (bool, error) { return p.cascade(ctx) }},
	{[]string{api.FinalizerPostDelete}, runsLast(api.HookPostDelete)},
	{[]string{api.FinalizerPostDeleteCleanup}, cleansUp(api.HookPostDelete)},
	{[]string{api.FinalizerPreDeleteCleanup}, cleansUp(api.HookPreDelete)},
}

// due says that the stage is to be done.
func (s stage) due(app *api.Application) bool {
	return slices.ContainsFunc(app.Finalizers, func(f string) bool { return slices.Contains(s.finalizers, f) })
}

// delete works on an Application that is being deleted.
func (p *pass) delete(ctx context.Context) (Outcome, error) {
	if err := p.decline(ctx); err != nil {
		return Outcome{Failed: true}, err
	}
	if err := p.depart(ctx); apierrors.IsConflict(err) {
		p.failed = true // somebody else wrote at the same moment
	} else if err != nil {
		p.report.add(api.ConditionDeletionError, err.Error())
		p.retryFor(err)
	}
	if !slices.ContainsFunc(stages, func(s stage) bool { return s.due(p.app) }) {
		p.r.forget(p.name)
	}
	if len(p.app.Finalizers) == 0 {
		return Outcome{}, nil // it is gone
	}
	if err := p.finish(ctx); err != nil {
		return Outcome{Failed: true}, err
	}
	return Outcome{Again: p.again, Failed: p.failed}, nil
}

// depart lets go of the hooks that nobody waits for any more, and goes on with the
// deletion.
func (p *pass) depart(ctx context.Context) error {
	if err := p.unplaced(); err != nil {
		return err
	}
	if p.to.wrong != nil {
		return p.abandon(ctx)
	}
	if err := p.watch(ctx, nil); err != nil {
		return err
	}
	p.tidy(ctx)
	return p.stages(ctx)
}

// stages does one stage after the other, until one has to be waited for.
func (p *pass) stages(ctx context.Context) error {
	for _, s := range stages {
		if !s.due(p.app) {
			continue
		}
		if err := p.authority(); err != nil {
			return err
		}
		over, err := s.run(ctx, p)
		if err != nil || !over {
			return err
		}
		if err := p.release(ctx, s.finalizers); err != nil {
			return err
		}
	}
	return nil
}

// unplaced says why the objects cannot be reached now. It is no error if there is no
// such cluster, or if no stage is due.
func (p *pass) unplaced() error {
	switch to := p.app.Spec.Destination; {
	case !slices.ContainsFunc(stages, func(s stage) bool { return s.due(p.app) }),
		errors.Is(p.to.wrong, destinations.ErrNoCluster), to.Server != "" && to.Name != "":
		return nil
	case p.to.wrong != nil:
		return p.to.wrong
	}
	return p.to.away
}

// abandon lets an Application go whose destination is not known: nobody can say
// where its objects are (SEMANTICS.md 2.3).
func (p *pass) abandon(ctx context.Context) error {
	p.log.Warn("the destination of an Application that is being deleted is not known: its objects, if there are any, stay where they are",
		"server", p.app.Spec.Destination.Server, "cluster", p.app.Spec.Destination.Name, "objects", len(p.app.Status.Resources))
	var all []string
	for _, s := range stages {
		all = append(all, s.finalizers...)
	}
	return p.release(ctx, all)
}

// authority finds out what the project permits, and in whose name its objects
// are deleted. Its sync windows, be they valid or not, do not matter here.
func (p *pass) authority() error {
	if p.rules == nil {
		rules, err := p.r.Store.Rules(p.app.Spec.ProjectName())
		if rules == nil {
			return err
		}
		p.rules = rules
		p.impersonate()
	}
	if p.apply == nil {
		return errors.New("nobody may delete the objects: see the condition InvalidSpecError")
	}
	return nil
}

// decline ends the operation that runs, and answers one that is asked for: what
// is about to go is not synced.
func (p *pass) decline(ctx context.Context) error {
	const why = "the Application is being deleted"
	if op := p.status.OperationState; op != nil && !op.Phase.Completed() {
		p.conclude(op, api.OperationFailed, "Operation terminated: "+why)
	}
	if op := p.app.Operation; op != nil {
		p.taken, p.app.Operation = true, nil
		p.status.OperationState = &api.OperationState{
			Operation: *op, Phase: api.OperationError, Message: why, StartedAt: p.now, FinishedAt: &p.now,
		}
	}
	return p.write(ctx)
}
