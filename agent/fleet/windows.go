package fleet

import (
	"maps"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/window"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/validate"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// windows looks for sync windows that never do what they are for.
func (c *check) windows() {
	targets := map[*agentProject][]window.Target{}
	for _, m := range c.apps {
		if p, _ := c.projectOf(m); p != nil {
			targets[p] = append(targets[p], window.TargetOf(m.App))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.projects)) {
		for _, p := range c.projects[name] {
			if p.schedule == nil {
				continue
			}
			mine := targets[p]
			if c.generates(name) {
				mine = nil // there are others yet
			}
			for _, f := range p.schedule.Faults(c.Now, mine) {
				at := field.NewPath("spec", "syncWindows").Index(f.Index).String()
				c.of(p.of, p.object, validate.RuleSyncWindow, at, f.Text, "")
			}
		}
	}
}

// generates says that there may be Applications of a project, or of any if name is "",
// that are not here: those of an ApplicationSet.
func (c *check) generates(project string) bool {
	for _, o := range c.sets {
		if project == "" {
			return true
		}
		body, _ := o.Body()["spec"].(map[string]any)
		template, _ := body["template"].(map[string]any)
		spec, _ := template["spec"].(map[string]any)
		name, _ := spec["project"].(string)
		if name == project || name == "" || strings.Contains(name, "{{") || body["templatePatch"] != nil {
			return true
		}
	}
	return false
}

func isSet(o *manifest.Object) bool {
	return o.Key.Group == api.Group && o.Key.Kind == "ApplicationSet"
}
