package reconcile

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/apply"
	"github.com/tidelock-io/tidelock/agent/cluster"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/plan"
	"github.com/tidelock-io/tidelock/agent/window"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// A Preview is what a sync would do now.
type Preview struct {
	Desired *Desired
	Changes []diff.Change
	Plan    plan.Plan
	// Demand is who demands that somebody approves of the plan, "" if nobody does.
	// Unapproved is why it has to wait for that, "" if it need not.
	Demand, Unapproved string
	// Namespace is the one that the sync makes first; "" if it makes none.
	Namespace string
	// Rejected are the objects that the API server refuses, in a dry run.
	Rejected []apply.Result
	// Refused are the objects that the project does not permit, and why.
	Refused map[manifest.Key]string
	// Conditions are what there is to say about the Application.
	Conditions []api.Condition
	// Ignore is in what its differences do not count.
	Ignore *diff.Ignore
	// Windows are the sync windows that match the Application.
	Windows *window.Windows

	cluster *cluster.Cluster
	apply   *apply.Applier // in whose name differences are asked for
}

// ErrPreview says that it cannot be told what a sync would do.
var ErrPreview = errors.New("cannot tell what a sync would do")

// Preview finds out what a sync of an Application would do, as a pass would, and
// writes nothing, neither to the destination nor to the Application. The
// operation says to which revisions, with which options.
func (r *Reconciler) Preview(ctx context.Context, app *api.Application, op api.Operation) (*Preview, error) {
	app = app.DeepCopy()
	app.Operation, app.Status.OperationState = &op, nil
	p := r.begin(app, r.goalOf(app))
	if !p.valid() {
		return nil, p.invalid()
	}
	if p.to.away != nil {
		return nil, fmt.Errorf("%w: %w", ErrPreview, p.to.away)
	}
	desired, err := p.desire(ctx)
	if err != nil {
		return nil, err
	}
	changes, err := p.compare(ctx, desired)
	if err != nil {
		return nil, err
	}
	state := p.open(op, desired)
	runs, err := p.runs(state, desired)
	if err != nil {
		return nil, err
	}
	todo := p.planOf(state, desired, changes, runs)
	options, err := p.dryOptions(ctx, state, todo)
	if err != nil {
		p.refused[namespaceKey(app.Spec.Destination.Namespace)] = err.Error()
	}
	if err := p.refusal(); err != nil {
		p.report.add(api.ConditionSyncError, err.Error())
	}
	return &Preview{
		Desired: desired, Changes: changes, Plan: todo, Conditions: p.report.merged(nil, p.now), Ignore: p.ignore,
		Demand: p.demand, Unapproved: p.judgeApproval(state, desired, todo).lacks,
		Refused: p.refused, Windows: p.windows, cluster: p.to.Cluster, apply: p.apply,
		Rejected:  append(p.rejected, p.apply.Preflight(ctx, todo, options)...),
		Namespace: options.Namespace,
	}, nil
}

// invalid says why the spec cannot work.
func (p *pass) invalid() error {
	for _, c := range p.report.conditions {
		if c.Type == api.ConditionInvalidSpecError {
			return fmt.Errorf("%w: %s", ErrPreview, clip(c.Message))
		}
	}
	return ErrPreview
}
