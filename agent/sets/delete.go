package sets

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// delete works on a set that is being deleted and has its finalizer still. Its
// Applications go with it, by their owner references, unless its policy forbids to delete
// any; in the reverse order of its steps, if it says so (SEMANTICS.md 1.9). Whoever has no
// finalizer on the set has them go without us, all at once.
func (p *pass) delete(ctx context.Context) error {
	if !slices.Contains(p.set.Finalizers, api.FinalizerResources) {
		return nil
	}
	if !appset.MayDelete(p.set) {
		if err := p.disown(ctx); err != nil {
			return err
		}
	} else if appset.IsReversed(p.set) {
		if over, err := p.last(ctx); err != nil || !over {
			return err
		}
	}
	return p.release(ctx)
}

// disown makes the set's Applications nobody's, so that they stay.
func (p *pass) disown(ctx context.Context) error {
	var errs []error
	for _, app := range p.owned() {
		owners := slices.DeleteFunc(slices.Clone(app.OwnerReferences), func(o metav1.OwnerReference) bool { return o.UID == p.set.UID })
		patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
			"ownerReferences": owners, "resourceVersion": app.ResourceVersion,
		}})
		if err != nil {
			return err
		}
		if err := p.c.Applications.Change(ctx, app.Namespace, app.Name, patch); err != nil {
			errs = append(errs, fmt.Errorf("keep Application %s, whose ApplicationSet is being deleted: %w", app.Name, err))
		}
	}
	return errors.Join(errs...)
}

// last deletes the Applications of the last step that has any, and reports whether there
// are none left that a step selects.
func (p *pass) last(ctx context.Context) (over bool, err error) {
	owned := p.owned()
	steps := appset.StepsOf(p.set.Spec.Strategy, owned).Steps
	i := len(steps) - 1
	for ; i >= 0 && len(steps[i].Applications) == 0; i-- {
	}
	if i < 0 {
		return true, nil
	}
	var errs []error
	for _, app := range owned {
		if slices.Contains(steps[i].Applications, app.Name) && app.DeletionTimestamp == nil {
			errs = append(errs, p.c.Applications.Remove(ctx, app))
		}
	}
	return false, errors.Join(errs...) // their end is told of
}

// release lets the set go.
func (p *pass) release(ctx context.Context) error {
	left := slices.DeleteFunc(slices.Clone(p.set.Finalizers), func(f string) bool { return f == api.FinalizerResources })
	return p.finalizers(ctx, "let go of", left)
}

// guard puts the finalizer on a set whose Applications are to go in order.
func (p *pass) guard(ctx context.Context) error {
	if !appset.IsReversed(p.set) || slices.Contains(p.set.Finalizers, api.FinalizerResources) {
		return nil
	}
	return p.finalizers(ctx, "put the finalizer on", append(slices.Clone(p.set.Finalizers), api.FinalizerResources))
}

func (p *pass) finalizers(ctx context.Context, doing string, all []string) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"finalizers": all, "resourceVersion": p.set.ResourceVersion}})
	if err != nil {
		return err
	}
	return p.patch(ctx, doing, patch)
}
