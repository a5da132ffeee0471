package reconcile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// strays are the objects of a report that are out of the bounds of their cluster: made
// before it had these bounds. They are neither seen nor deleted any more.
func (p *pass) strays(resources []api.ResourceStatus) (keys []manifest.Key) {
	for _, r := range resources {
		missing := r.Health != nil && r.Health.Status == api.HealthMissing
		if key := objectOf(r); !r.Hook && !missing && !p.within(key).Allowed {
			keys = append(keys, key)
		}
	}
	return keys
}

// abandonStrays says of the Application that is being deleted which objects stay behind,
// and whether its status has told that: nothing else does when it is gone.
func (p *pass) abandonStrays() (told bool) {
	strays := p.strays(p.app.Status.Resources)
	if len(strays) == 0 {
		return true
	}
	text := p.stray(strays)
	p.report.add(ConditionLeftBehindWarning, text)
	return slices.ContainsFunc(p.app.Status.Conditions, func(c api.Condition) bool {
		return c.Type == ConditionLeftBehindWarning && strings.Contains(c.Message, text)
	})
}

// leaveStrays says which objects of the last report, not stated any more, are out of
// bounds and therefore stay.
func (p *pass) leaveStrays(was, now []api.ResourceStatus) {
	left := slices.DeleteFunc(p.strays(was), func(key manifest.Key) bool {
		return slices.ContainsFunc(now, func(r api.ResourceStatus) bool { return objectOf(r) == key })
	})
	if len(left) > 0 {
		p.report.add(ConditionLeftBehindWarning, p.stray(left))
	}
}

// stray words it.
func (p *pass) stray(keys []manifest.Key) string {
	text := keys[0].String()
	if more := len(keys) - 1; more > 0 {
		text = fmt.Sprintf("%s and %d more objects", text, more)
	}
	return fmt.Sprintf("%s may be left behind: %s; who has the right to has to delete what has the label %s=%s there",
		text, p.within(keys[0]).Reason, api.LabelApp, api.AppLabel(p.name))
}
