package validate

import (
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// Foreign says whether a manifest is most likely another program's, such as
// "skaffold/v3 Config", which looks like an object and is for no cluster. A group
// without a dot can only be Kubernetes' own: so it is none of those, nor a slip of
// the pen for one, and the kind is none that Kubernetes has. Where it is known what a
// cluster serves, so is one of a group that it has not.
func (c *Checker) Foreign(o *manifest.Object) bool {
	group := o.Key.Group
	if c.version.Served() && strings.Contains(group, ".") { // it is not known what it is for
		return !c.version.HasGroup(group) && !c.custom.hasGroup(group)
	}
	if group == "" || strings.Contains(group, ".") || c.version.HasGroup(group) || group == "extensions" {
		return false
	}
	var groups []string
	for _, known := range c.version.Kinds() {
		if known.Kind == o.Key.Kind {
			return false
		}
		first, _, _ := strings.Cut(known.Group, ".")
		groups = append(groups, first)
	}
	return api.Nearest(group, append(groups, "extensions")) == ""
}
