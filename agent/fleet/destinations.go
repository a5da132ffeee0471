package fleet

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/validate"
)

// destinations looks for clusters that no Secret names, in a repository that has all of
// them: some, and none that cannot be read.
func (c *check) destinations() {
	if c.Known.Unread || len(c.Known.Clusters) == 0 {
		return
	}
	var names []string
	for _, cluster := range c.Known.Clusters {
		names = append(names, cluster.Name, cluster.Server)
	}
	slices.Sort(names)
	first := c.Known.Clusters[0]
	for _, m := range c.apps {
		if m.cluster == api.InClusterServer || c.Known.find(m.dest) != nil {
			continue
		}
		field := "spec.destination.server"
		if m.App.Spec.Destination.Server == "" {
			field = "spec.destination.name"
		}
		hint := ""
		if near := api.Nearest(m.cluster, names); near != "" {
			hint = fmt.Sprintf("did you mean %s?", near)
		}
		c.own(m, validate.RuleUnknownCluster, field, fmt.Sprintf("no Secret here is of cluster %s, and there are some of others, as at %s", m.cluster, first.Origin), hint)
	}
}

// notes says what could not be looked at.
func (c *check) notes() (notes []string) {
	var absent []string
	var projects []string
	for _, m := range c.apps {
		if !m.Rendered {
			absent = append(absent, c.shownName(m.App))
		}
		if _, missing := c.projectOf(m); missing && len(c.projects) == 0 {
			projects = append(projects, m.App.Spec.ProjectName())
		}
	}
	if len(absent) > 0 && len(absent) < len(c.apps) {
		notes = append(notes, fmt.Sprintf("what these Applications state is not here, so that nothing tells whether others state it, too: %s", some(absent)))
	}
	if len(projects) > 0 {
		notes = append(notes, fmt.Sprintf("no AppProject is here, so that nothing tells what these permit: %s", some(projects)))
	}
	return notes
}

// some lists names, in order, each once, and not too many.
func some(names []string) string {
	const most = 10
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}
