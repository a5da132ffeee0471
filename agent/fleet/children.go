package fleet

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/validate"
	"k8s.io/apimachinery/pkg/api/equality"
)

// children looks at Applications that state Applications. One that states itself, as it
// is, manages itself, which is no fault.
func (c *check) children() {
	for _, m := range c.apps {
		if !m.children {
			continue
		}
		c.ancestors(m)
		for _, o := range m.Set {
			switch {
			case !isApplication(o):
			case o.Key.Name == m.App.Name && o.Key.Namespace == m.App.Namespace:
				c.itself(m, o)
			}
		}
		c.abroad(m)
	}
}

// itself tells of an Application that turns itself into another one.
func (c *check) itself(m *Member, o *manifest.Object) {
	var stated api.Application
	if o == m.Object || json.Unmarshal(o.JSON(), &stated) != nil || equality.Semantic.DeepEqual(stated.Spec, m.App.Spec) {
		return
	}
	c.of(m, o, validate.RuleAppOfApps, "spec", fmt.Sprintf("the Application states itself with another spec than it has at %s: it becomes this one at its first sync", m.place()), "state it in one place, or the same in both")
}

// ancestors tells of Applications that state each other, by the first of their names.
func (c *check) ancestors(m *Member) {
	seen := map[*Member]bool{}
	for queue := slices.Clone(m.parents); len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		if seen[at] || at == m || at.App == nil {
			continue
		}
		seen[at] = true
		if slices.Contains(at.parents, m) {
			if byName(m, at) < 0 {
				c.own(m, validate.RuleAppOfApps, "", fmt.Sprintf("%s and this Application state each other: whichever is deleted takes the other along", c.whose(at)), "state one of them elsewhere")
			}
			return
		}
		queue = append(queue, at.parents...)
	}
}

// abroad tells of Applications that are made where no agent looks for them.
func (c *check) abroad(m *Member) {
	if m.cluster == api.InClusterServer {
		return
	}
	i := slices.IndexFunc(m.Set, isApplication)
	if i >= 0 {
		c.of(m, m.Set[i], validate.RuleAppOfApps, "", fmt.Sprintf("%s makes it in cluster %s, where another agent has to look after it", c.whose(m), m.cluster),
			"Applications belong into the agent's own cluster: spec.destination.server "+api.InClusterServer)
	}
}
