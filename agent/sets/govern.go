package sets

import (
	"context"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset"
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
	// AllAtOnce has a rolling sync be none, as Argo CD does without
	// --enable-progressive-syncs: all Applications are synced as their own policies say.
	AllAtOnce bool
	// DryRun has nothing be done, and logged what would be.
	DryRun bool
}

// Rule has all sets be kept by rules from now on.
func (c *Controller) Rule(rules Rules) {
	if old := c.rules.Swap(&rules); old == nil || !old.same(rules) {
		c.All()
	}
}

func (r Rules) same(as Rules) bool {
	return r.Policy == as.Policy && r.Override == as.Override && r.AllAtOnce == as.AllAtOnce && r.DryRun == as.DryRun && slices.Equal(r.Annotations, as.Annotations) && slices.Equal(r.Labels, as.Labels)
}

// ruled is a set as the rules have it. The one that is given stays as it is.
func (c *Controller) ruled(set *api.ApplicationSet) *api.ApplicationSet {
	rules := c.rules.Load()
	if rules == nil || rules.same(Rules{Override: rules.Override, DryRun: rules.DryRun}) {
		return set
	}
	set = set.DeepCopy()
	if rules.AllAtOnce && set.DeletionTimestamp == nil { // the order of deletions counts in any case
		set.Spec.Strategy = nil
	}
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

// unrolled tells that a set is no rolling sync, though it says so.
func (p *pass) unrolled() {
	if !p.c.rules.Load().AllAtOnce || !appset.IsRolling(p.stated) {
		return
	}
	p.outcome.Problems = append(p.outcome.Problems, appset.Problem{
		Kind: appset.ProblemNoEffect, Generator: -1, Field: "spec.strategy",
		Message: "rolling syncs are off, so that each Application is synced as its own policy says", Hint: "the administrator has to set --progressive-syncs",
	})
}

// tryOut finds out what a pass would do, and logs it, once for as long as it is the same.
func (p *pass) tryOut(ctx context.Context) {
	if p.set.DeletionTimestamp != nil {
		return
	}
	err := p.observe(ctx)
	if p.putOff(err) {
		return
	}
	text := strings.ReplaceAll(strings.TrimSpace(p.plan.String()), "\n", "; ")
	if err != nil {
		text = unnamed(err).Error()
	}
	p.c.mu.Lock()
	news := p.c.told[p.name] != text
	p.c.told[p.name] = text
	p.c.mu.Unlock()
	if news {
		p.log.Info("dry run: nothing is done with Applications", "would", text, "failed", err != nil)
	}
}
