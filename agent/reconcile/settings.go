package reconcile

import (
	"fmt"
	"slices"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/pipeline"
	"github.com/tidelock-io/tidelock/agent/settings"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// ConditionSettingsWarning names an entry of ConfigMap argocd-cm that cannot be
// read, on the Applications that it concerns.
const ConditionSettingsWarning api.ConditionType = "SettingsWarning"

// settings are as they are now.
func (r *Reconciler) settings() *settings.Settings {
	if r.Settings == nil {
		return &settings.Settings{}
	}
	return r.Settings()
}

// misread warns of entries that cannot be read and are about an object of the set.
func (p *pass) misread(set manifest.Set) {
	for _, problem := range p.settings.Problems {
		if slices.ContainsFunc(set, func(o *manifest.Object) bool { return problem.Concerns(o.Key.GroupKind()) }) {
			p.report.add(ConditionSettingsWarning, fmt.Sprintf("ConfigMap %s: %s: it stays as it was last", settings.ConfigMap, problem))
		}
	}
}

// excludes says that the agent leaves an object alone for what it is.
func (p *pass) excludes(key manifest.Key) bool {
	return p.settings.Kinds.Excludes(key.GroupKind(), p.to.dest.Server)
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
