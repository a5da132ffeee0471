package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/apply"
	"github.com/tidelock-io/tidelock/agent/cluster"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/health"
	"github.com/tidelock-io/tidelock/agent/pipeline"
	"github.com/tidelock-io/tidelock/agent/plan"
	"github.com/tidelock-io/tidelock/render/manifest"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// compare sets what Git states beside what is live.
func (p *pass) compare(ctx context.Context, desired *Desired) ([]diff.Change, error) {
	if err := p.to.Cluster.Ignore(ctx, p.name, p.ignore); err != nil {
		return nil, err
	}
	if err := p.watch(ctx, desired.from); err != nil {
		return nil, err
	}
	if err := p.expect(ctx, desired.from); err != nil {
		return nil, err
	}
	changes, rejected := p.apply.Ask(ctx, p.look(ctx, desired), p.asking())
	for _, rule := range p.ignore.Unused(changes) {
		p.report.add(ConditionUnusedRuleWarning, "spec.ignoreDifferences: "+rule)
	}
	p.rejected = rejected
	for _, r := range rejected {
		// What the server refuses it will refuse again; what it did not answer is
		// asked anew soon.
		p.failed = p.failed || !errors.Is(r.Err, apply.ErrRejected)
	}
	return changes, nil
}

// ConditionUnusedRuleWarning names rules of ignoreDifferences that are of no use.
const ConditionUnusedRuleWarning api.ConditionType = "UnusedRuleWarning"

// look compares with what is live now. Objects that the project does not permit
// are noted if Git states them, and left out if they are only live
// (SEMANTICS.md 1.8). So is what is of an excluded kind by now.
func (p *pass) look(ctx context.Context, desired *Desired) []diff.Change {
	p.objects = desired.Objects
	changes := diff.Compare(p.name, desired.Objects, p.to.Cluster.Snapshot(p.name, desired.Objects))
	destination := p.to.dest
	p.refused = map[manifest.Key]string{}
	changes = slices.DeleteFunc(changes, func(c diff.Change) bool {
		return c.Desired == nil && (desired.runs(c.Key) || p.excludes(c.Key) || !p.rules.Live(c.Key, destination).Allowed)
	})
	for i, c := range changes {
		if c.Desired != nil && !p.permits(c.Desired) {
			changes[i].Verdict = diff.Refused
		}
	}
	for _, h := range desired.Hooks {
		p.permits(h.Object)
	}
	p.inherit(ctx, changes)
	p.heirOf = p.heirs(changes)
	p.yielded = yielded(changes)
	return changes
}

// permits asks the project about an object that Git states, and whether it can be
// reached.
func (p *pass) permits(o *manifest.Object) bool {
	verdict := p.rules.Object(o.Key, o.Key.Namespace != "", p.to.dest)
	if verdict.Allowed {
		verdict = p.within(o.Key)
	}
	if !verdict.Allowed {
		p.refused[o.Key] = o.Origin.String() + ": " + verdict.Reason
	}
	return verdict.Allowed
}

// runs says that an object is a hook by now, and not to be pruned as the
// ordinary object that it was.
func (d *Desired) runs(key manifest.Key) bool {
	return slices.ContainsFunc(d.Hooks, func(h plan.Hook) bool { return h.Object.Key == key })
}

// watch follows the kinds of all desired objects, and those that the status
// names, for an object or a hook may be all that is left of its kind. A kind that
// the set itself defines is not there yet.
func (p *pass) watch(ctx context.Context, set manifest.Set) error {
	wanted := map[schema.GroupVersionKind]bool{}
	for _, o := range set {
		gvk := o.GVK()
		if wanted[gvk] {
			continue
		}
		if _, err := p.to.Cluster.Kind(ctx, gvk); err != nil {
			if _, ok := set.Defines()[gvk.GroupKind()]; ok || p.skipsMissing(o) {
				continue
			}
			return fmt.Errorf("%s: %s: %w", o.Origin, o.Key, err)
		}
		wanted[gvk] = true
	}
	known := promised(p.app.Status.OperationState)
	for _, r := range p.app.Status.Resources {
		known = append(known, schema.GroupVersionKind{Group: r.Group, Version: r.Version, Kind: r.Kind})
	}
	for _, gvk := range known {
		if wanted[gvk] || p.excludes(manifest.Key{Group: gvk.Group, Kind: gvk.Kind}) {
			continue
		}
		switch _, err := p.to.Cluster.Kind(ctx, gvk); {
		case err == nil:
			wanted[gvk] = true
		case !errors.Is(err, cluster.ErrKind): // nobody knows what is left of it
			return fmt.Errorf("%s: %w", gvk.Kind, err)
		}
	}
	gvks := make([]schema.GroupVersionKind, 0, len(wanted))
	for gvk := range wanted {
		gvks = append(gvks, gvk)
	}
	return p.to.Cluster.Watch(ctx, gvks...)
}

// skipsMissing says that an object may be of a kind that is not served yet.
func (p *pass) skipsMissing(o *manifest.Object) bool {
	return apply.Options{Sync: p.app.Spec.SyncPolicy.Options()}.SkipsMissing(o)
}

// unknown reports that the comparison failed. What was known of health stays.
func (p *pass) unknown(err error) {
	p.retryFor(err)
	p.logCrash(err)
	p.report.add(api.ConditionComparisonError, err.Error())
	p.status.Sync.Status = api.SyncCodeUnknown
	p.status.Sync.ComparedTo = p.app.Spec.ComparedTo()
	p.stall(err.Error())
	if p.status.Health.Status == "" {
		p.setHealth(health.Health{Code: api.HealthUnknown})
	}
}

// retryFor sees to another pass after an error: when it may have passed, if that
// is known, else after a back-off.
func (p *pass) retryFor(err error) {
	var later *pipeline.Later
	if errors.As(err, &later) && later.At.After(p.now.Time) {
		p.soon(later.At.Sub(p.now.Time))
		return
	}
	p.failed = true
}

// compared writes the outcome of a comparison into the status.
func (p *pass) compared(desired *Desired, changes []diff.Change) {
	sync := api.SyncStatus{Status: api.SyncCodeSynced, ComparedTo: p.app.Spec.ComparedTo()}
	if namespaceChanged(p.app, p.status.OperationState) {
		sync.Status = api.SyncCodeOutOfSync
	}
	if p.app.Spec.HasMultipleSources() {
		sync.Revisions = desired.Revisions
	} else if len(desired.Revisions) > 0 {
		sync.Revision = desired.Revisions[0]
	}
	var resources []api.ResourceStatus
	var causes []health.Cause
	for _, c := range changes {
		if c.OutOfSync() && !c.Tolerated() {
			sync.Status = api.SyncCodeOutOfSync
		}
		resource, verdict := resourceStatus(c, p.app.Spec.SyncPolicy.Options())
		if c.Verdict == diff.Refused {
			resource.Status = api.SyncCodeUnknown
		}
		resources = append(resources, resource)
		if p.monitored(c, verdict) {
			causes = append(causes, health.Cause{Object: c.Key.String(), Health: verdict})
		}
		if c.Verdict == diff.Foreign {
			p.report.add(api.ConditionSharedResourceWarning,
				fmt.Sprintf("%s belongs to application %s and is left to it: remove it from one of the two", c.Key, c.Live.App))
		}
	}
	p.sharing(changes)
	for _, l := range p.liveHooks() {
		resources = append(resources, hookStatus(l))
	}
	p.status.Sync = sync
	p.leaveStrays(p.status.Resources, resources)
	p.status.Resources = resources
	p.status.Summary = desired.summary
	p.status.ControllerNamespace = p.r.Namespace
	p.status.SourceType, p.status.SourceTypes = "", nil
	if p.app.Spec.HasMultipleSources() {
		p.status.SourceTypes = desired.Types
	} else if len(desired.Types) > 0 {
		p.status.SourceType = desired.Types[0]
	}
	p.setHealth(health.Worst(causes))
}

// resourceStatus reports one object, and its health. The options are those of its
// Application.
func resourceStatus(c diff.Change, options api.SyncOptions) (api.ResourceStatus, health.Health) {
	r := api.ResourceStatus{
		Group: c.Key.Group, Kind: c.Key.Kind, Namespace: c.Key.Namespace, Name: c.Key.Name,
		Status: api.SyncCodeSynced, RequiresPruning: c.Desired == nil, RequiresDeletionConfirmation: asksConsent(c, options),
	}
	if c.OutOfSync() {
		r.Status = api.SyncCodeOutOfSync
	}
	state := health.Health{Code: api.HealthMissing}
	if c.Live != nil {
		r.Version, r.SyncWave, state = c.Live.Version, int64(c.Live.Wave), c.Live.Health
	}
	if c.Desired != nil {
		r.Version, r.SyncWave = c.Desired.Version, int64(api.SyncWave(c.Desired.Annotations))
	}
	r.Health = shownHealth(state)
	return r, state
}

// shownHealth is a health as status has it: nil if the object's kind has no check.
func shownHealth(h health.Health) *api.HealthStatus {
	if h.Code == "" {
		return nil
	}
	return &api.HealthStatus{Status: h.Code, Message: clip(h.Message)}
}

// itself says that an object is the very Application of the pass.
func (p *pass) itself(key manifest.Key) bool {
	return key == manifest.Key{Group: api.GroupVersion.Group, Kind: "Application", Namespace: p.app.Namespace, Name: p.app.Name}
}

// hookStatus reports a hook that is in the cluster. It counts neither for sync
// nor for health (SEMANTICS.md 2.2).
func hookStatus(l *diff.Live) api.ResourceStatus {
	return api.ResourceStatus{
		Group: l.Key.Group, Version: l.Version, Kind: l.Key.Kind, Namespace: l.Key.Namespace, Name: l.Key.Name,
		Hook: true, SyncWave: int64(l.Wave), Health: shownHealth(l.Health),
	}
}

// monitored says whether an object's health is part of the Application's. A child
// Application of which nothing is known yet is left out, and so is the Application
// itself, if it states itself (SEMANTICS.md 2.6).
func (p *pass) monitored(c diff.Change, state health.Health) bool {
	child := c.Key.Group == api.GroupVersion.Group && c.Key.Kind == "Application"
	if p.itself(c.Key) || child && (state.Code == api.HealthMissing || state.Code == api.HealthUnknown) {
		return false
	}
	return c.Live == nil || !c.Live.Unmonitored
}

func (p *pass) setHealth(h health.Health) {
	if p.status.Health.Status != h.Code {
		p.status.Health.LastTransitionTime = &p.now
	}
	p.status.Health.Status, p.status.Health.Message = h.Code, clip(h.Message)
}
