package reconcile

import (
	"fmt"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/project"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// within refuses an object that is out of the bounds of its cluster, in the way in
// which projects refuse objects.
func (p *pass) within(key manifest.Key) project.Verdict {
	if p.to.Cluster == nil {
		return project.Verdict{Allowed: true} // it cannot be reached at all
	}
	if err := p.to.Cluster.Bounds().Outside(key.Namespace, key.Namespace != ""); err != nil {
		return project.Verdict{Reason: err.Error()}
	}
	return project.Verdict{Allowed: true}
}

// bounded reports a destination that is out of bounds.
func (p *pass) bounded() {
	namespace := p.app.Spec.Destination.Namespace
	if v := p.within(manifest.Key{Namespace: namespace}); namespace != "" && !v.Allowed {
		p.report.add(api.ConditionInvalidSpecError, fmt.Sprintf("spec.destination.namespace: %s", v.Reason))
	}
}
