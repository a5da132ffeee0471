package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/apply"
	"github.com/tidelock-io/tidelock/agent/diff"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// cascades are the finalizers that ask for an Application's objects to go with
// it, and how (SEMANTICS.md 2.3).
var cascades = map[string]metav1.DeletionPropagation{
	api.FinalizerResources:           metav1.DeletePropagationForeground,
	api.FinalizerResourcesForeground: metav1.DeletePropagationForeground,
	api.FinalizerResourcesBackground: metav1.DeletePropagationBackground,
}

// delete works on an Application that is being deleted: its objects by reverse
// wave, each wave when the one before is gone, then our finalizer.
func (p *pass) delete(ctx context.Context) (Outcome, error) {
	i := slices.IndexFunc(p.app.Finalizers, func(f string) bool { return cascades[f] != "" })
	if i < 0 {
		p.r.forget(p.name)
		return Outcome{}, nil
	}
	left, err := p.deleteWave(ctx, cascades[p.app.Finalizers[i]])
	if err != nil {
		p.report.add(api.ConditionDeletionError, err.Error())
		return Outcome{Failed: true}, p.finish(ctx)
	}
	if left {
		return Outcome{Again: p.r.Refresh}, p.finish(ctx)
	}
	return Outcome{}, p.release(ctx)
}

// deleteWave deletes the highest wave that has objects left, and reports
// whether there is any left to wait for.
func (p *pass) deleteWave(ctx context.Context, how metav1.DeletionPropagation) (left bool, err error) {
	if err := p.watch(ctx, nil); err != nil {
		return true, err
	}
	rules, err := p.r.Store.Rules(p.app.Spec.ProjectName())
	if err != nil {
		return true, err
	}
	p.rules = rules
	p.impersonate()
	if p.report.has(api.ConditionInvalidSpecError) {
		return true, errors.New("nobody may delete the objects: see the condition InvalidSpecError")
	}
	changes := slices.DeleteFunc(p.look(&Desired{}), p.keeps)
	if len(changes) == 0 {
		return false, nil
	}
	changes, doubt, err := p.bequeath(ctx, changes)
	if err != nil {
		return true, err
	}
	if doubt != "" {
		p.report.add(ConditionDeletionWarning, doubt)
	}
	if len(changes) == 0 {
		return true, nil
	}
	last := slices.MaxFunc(changes, func(a, b diff.Change) int { return a.Live.Wave - b.Live.Wave }).Live.Wave
	todo := slices.DeleteFunc(changes, func(c diff.Change) bool { return c.Live.Wave < last || c.Live.Deleting })
	failed := apply.Failed(p.apply.Delete(ctx, todo, how))
	errs := make([]error, len(failed))
	for i, f := range failed {
		errs[i] = f.Err
	}
	return true, errors.Join(errs...)
}

// keeps says that an object outlives its Application.
func (p *pass) keeps(c diff.Change) bool {
	return p.itself(c.Key) || c.Live.Keep || c.Key.Kind == "CustomResourceDefinition" ||
		api.ParseSyncOptions(c.Live.Options).Has(api.SyncOptionDeleteFalse)
}

// release takes our finalizers off, so that the Application can go.
func (p *pass) release(ctx context.Context) error {
	rest := slices.DeleteFunc(slices.Clone(p.app.Finalizers), func(f string) bool { return cascades[f] != "" })
	raw, err := json.Marshal(patch{Metadata: map[string]any{
		"finalizers": rest, "resourceVersion": p.app.ResourceVersion,
	}})
	if err != nil {
		return err
	}
	if _, err := p.r.Store.Patch(ctx, p.app.Namespace, p.app.Name, raw); err != nil {
		return fmt.Errorf("remove the finalizer of application %s: %w", p.name, err)
	}
	p.r.forget(p.name)
	return nil
}
