package reconcile

import (
	"slices"

	"github.com/tidelock-io/tidelock/agent/api"
)

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
