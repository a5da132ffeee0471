package reconcile

import (
	"context"
	"slices"

	"github.com/tidelock-io/tidelock/agent/api"
	"k8s.io/apimachinery/pkg/types"
)

// Freshness returns what says whether the status of an Application is about the newest
// commits that are known, as of now: see Fresh.
func (r *Reconciler) Freshness(ctx context.Context) func(app *api.Application) bool {
	if r.Replicas == nil {
		return r.Fresh
	}
	fresh := map[types.NamespacedName]bool{}
	for _, l := range r.Replicas.Ask(ctx, nil) {
		fresh[l.App] = !l.Stale && l.Failing == 0 && slices.Equal(l.Reported, l.Revisions)
	}
	return func(app *api.Application) bool {
		if name := nameOf(app); !r.mine(name) && app.Annotations[api.AnnotationSkipReconcile] != "true" {
			return fresh[name]
		}
		return r.Fresh(app)
	}
}

// Fresh says that the status of an Application is about the newest commits that are
// known: that none of its repositories has moved since the last look at it, and that what
// was found is stored. What nobody looks at is as fresh as it will ever be.
func (r *Reconciler) Fresh(app *api.Application) bool {
	if app.Annotations[api.AnnotationSkipReconcile] == "true" {
		return true
	}
	l, ok := r.claims.look(api.InstanceName(app.Namespace, app.Name, r.Namespace))
	return ok && !l.stale && l.failing.IsZero() && slices.Equal(l.reported, l.revisions)
}
