package sets

import (
	"slices"

	"github.com/tidelock-io/tidelock/agent/api"
)

// Rules are an administrator's for all sets.
type Rules struct {
	// Policy is what may be done with Applications, in place of what sets say; "" leaves
	// that to them.
	Policy api.ApplicationsSync
	// Override lets a set that states a policy have its own.
	Override bool
	// Annotations and Labels are keys that others may put on Applications, beside those
	// that sets preserve.
	Annotations, Labels []string
}

// Rule has all sets be kept by rules from now on.
func (c *Controller) Rule(rules Rules) {
	if old := c.rules.Swap(&rules); old == nil || !old.same(rules) {
		c.All()
	}
}

func (r Rules) same(as Rules) bool {
	return r.Policy == as.Policy && r.Override == as.Override && slices.Equal(r.Annotations, as.Annotations) && slices.Equal(r.Labels, as.Labels)
}

// ruled is a set as the rules have it. The one that is given stays as it is.
func (c *Controller) ruled(set *api.ApplicationSet) *api.ApplicationSet {
	rules := c.rules.Load()
	if rules == nil || rules.same(Rules{Override: rules.Override}) {
		return set
	}
	set = set.DeepCopy()
	rules.govern(&set.Spec)
	rules.preserve(&set.Spec)
	return set
}

// govern puts the policy in place of the set's own, unless it may have one.
func (r Rules) govern(spec *api.ApplicationSetSpec) {
	stated := spec.SyncPolicy != nil && spec.SyncPolicy.ApplicationsSync != nil
	if r.Policy == "" || stated && r.Override {
		return
	}
	if spec.SyncPolicy == nil {
		spec.SyncPolicy = &api.ApplicationSetSyncPolicy{}
	}
	spec.SyncPolicy.ApplicationsSync = &r.Policy
}

// preserve adds the keys that are preserved.
func (r Rules) preserve(spec *api.ApplicationSetSpec) {
	if len(r.Annotations)+len(r.Labels) == 0 {
		return
	}
	if spec.PreservedFields == nil {
		spec.PreservedFields = &api.PreservedFields{}
	}
	kept := spec.PreservedFields
	kept.Annotations = append(kept.Annotations, r.Annotations...)
	kept.Labels = append(kept.Labels, r.Labels...)
}
