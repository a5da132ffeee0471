package reconcile

import (
	"context"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/plan"
	"github.com/tidelock-io/tidelock/agent/rival"
	"github.com/tidelock-io/tidelock/render/manifest"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Hooks that Argo CD has made carry no mark of ours, by which the watches would know them:
// one that runs when this agent takes over would be taken for lost, and one of an earlier
// sync for the run of this one, that has ended well before it began.

// takeUp takes the request off an operation that Argo CD has begun: it leaves it where it
// is until the end, and it would be taken for another one.
func (p *pass) takeUp(running *api.OperationState) {
	asked := p.app.Operation
	if asked != nil && rival.Of(p.app).Theirs && equality.Semantic.DeepEqual(asked.Sync, running.Operation.Sync) {
		p.taken, p.app.Operation = true, nil
	}
}

// resume marks the hooks that an operation has begun with which another agent had, so that
// they are awaited.
func (p *pass) resume(ctx context.Context, op *api.OperationState, runs []plan.Run) error {
	if op.Operation.Sync.DryRun {
		return nil
	}
	for i := range runs {
		known := recorded(op, &runs[i])
		if runs[i].Live == nil && known != nil && !known.HookPhase.Completed() {
			if err := p.adopt(ctx, op, &runs[i], markOf(op, runs[i].Type)); err != nil {
				return err
			}
		}
	}
	return nil
}

// meetHooks marks what another agent has left of earlier runs of a wave's hooks, so that it
// is not taken for theirs.
func (p *pass) meetHooks(ctx context.Context, op *api.OperationState, w plan.Wave) error {
	for i := range w.Runs {
		if w.Runs[i].Live == nil && w.Runs[i].Pending() {
			if err := p.adopt(ctx, op, &w.Runs[i], ""); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *pass) adopt(ctx context.Context, op *api.OperationState, r *plan.Run, mark string) error {
	found, err := p.apply.AdoptHook(ctx, r.Object, p.isArgos, mark)
	if err != nil || !found {
		return err
	}
	r.Live = p.to.Cluster.Snapshot(p.name, manifest.Set{r.Object})[r.Key()]
	r.Phase, r.Message = "", ""
	p.judge(op, r)
	return nil
}

// isArgos says that an object is the Application's by Argo CD's marks, and has none of ours.
func (p *pass) isArgos(u *unstructured.Unstructured) bool {
	labels, annotations := u.GetLabels(), u.GetAnnotations()
	if labels[api.LabelApp] != "" || annotations[api.AnnotationInstallationID] != p.settings.Installation {
		return false
	}
	if id, err := api.ParseTrackingID(annotations[api.AnnotationTrackingID]); err == nil {
		return id.App == p.name
	}
	label := Tracking(p.settings).Label
	return label != "" && labels[label] == p.name
}
