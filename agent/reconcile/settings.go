package reconcile

import (
	"fmt"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/pipeline"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// Settings hold for all Applications (ConfigMap argocd-cm).
type Settings struct {
	// Ignore are the rules of resource.customizations.ignoreDifferences.
	Ignore []diff.Rule
	// Kinds are those of resource.exclusions and resource.inclusions.
	Kinds diff.Kinds
}

// settings are as they are now.
func (r *Reconciler) settings() Settings {
	if r.Settings == nil {
		return Settings{}
	}
	return r.Settings()
}

// excludes says that the agent leaves an object alone for what it is.
func (p *pass) excludes(key manifest.Key) bool {
	return p.settings.Kinds.Excludes(key.GroupKind(), p.app.Spec.Destination.Resolved().Server)
}

// included leaves out what is of an excluded kind, and says so.
func (p *pass) included(rendered *pipeline.Rendered) *pipeline.Rendered {
	var kept manifest.Set
	for i, o := range rendered.Set {
		if !p.excludes(o.Key) {
			if kept != nil {
				kept = append(kept, o)
			}
			continue
		}
		if kept == nil {
			kept = append(make(manifest.Set, 0, len(rendered.Set)), rendered.Set[:i]...)
		}
		p.report.add(api.ConditionExcludedResourceWarning, fmt.Sprintf(
			"%s: %s is of a kind that the agent leaves alone, and not applied (resource.exclusions of ConfigMap argocd-cm)", o.Origin, o.Key))
	}
	if kept == nil {
		return rendered
	}
	next := *rendered
	next.Set = kept
	return &next
}
