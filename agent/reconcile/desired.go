package reconcile

import (
	"context"
	"fmt"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/pipeline"
	"github.com/tidelock-io/tidelock/agent/plan"
	"github.com/tidelock-io/tidelock/agent/rollout"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// A Pipeline makes the desired state: commit, tree, manifests, secrets. It is
// the one that `tidelock render` runs too.
type Pipeline interface {
	// Desired renders an Application at revisions, or at what its sources' target
	// revisions point at if nil. Objects that did not change are the same
	// pointers as before.
	Desired(ctx context.Context, app *api.Application, revisions []string) (*pipeline.Rendered, error)
	// Renew makes the next call ask the repositories anew; hard drops what was
	// rendered, too.
	Renew(app *api.Application, hard bool)
	// Forget drops what is kept for an Application that is gone.
	Forget(app string)
}

// Desired is a rendered set with every object marked as ours.
type Desired struct {
	*pipeline.Rendered
	Objects manifest.Set
	Hooks   []plan.Hook
	summary api.Summary  // of Objects
	from    manifest.Set // what Objects and Hooks were made of
	basis   basis        // likewise
}

// A basis is what else counts when a rendered set is split and marked.
type basis struct {
	upgrade   bool   // as plan.Split takes it
	marks     string // what they are like, beside their names: see pass.marks
	namespace string // of the destination, which tracking ids of cluster-scoped objects name
	rollouts  string // the marks of workloads that restart when what they use changes
}

// desire runs the pipeline, for the revision of the running operation if it
// names one.
func (p *pass) desire(ctx context.Context) (*Desired, error) {
	if refresh, overdue := p.app.Annotations[api.AnnotationRefresh], p.overdue(); refresh != "" || overdue {
		p.r.Pipeline.Renew(p.app, refresh == api.RefreshHard || overdue)
	}
	op := asked(p.app, p.status.OperationState)
	revisions := pinned(op, retrying(p.status.OperationState))
	if running := p.approvedOperation(); running != nil { // nothing else was approved
		op, revisions = &running.Operation, boundRevisions(running)
	}
	rendered, err := p.r.Pipeline.Desired(ctx, withSources(p.app, op), revisions)
	if err != nil {
		p.r.claims.failed(p.name, p.moves, p.now.Time)
		return nil, err
	}
	for _, w := range rendered.Warnings {
		p.report.add(w.Kind, w.Message)
	}
	if !rendered.Refresh.IsZero() {
		p.soon(max(time.Second, rendered.Refresh.Sub(p.now.Time)))
	}
	rendered = p.included(rendered)
	p.misread(rendered.Set)
	marks, err := p.rollouts(ctx, rendered.Set)
	if err != nil {
		return nil, err
	}
	p.r.mu.Lock()
	known := p.r.desired[p.name]
	p.r.mu.Unlock()
	on := basis{len(p.app.Status.History) > 0, p.marks(), p.app.Spec.Destination.Namespace, sumOf(marks)}
	if known != nil && known.basis == on && sameObjects(known.from, rendered.Set) {
		next := *known
		next.Rendered = rendered
		p.claim(&next, revisions != nil)
		return &next, nil
	}
	objects, hooks := plan.Split(rendered.Set, on.upgrade)
	if objects, err = p.mark(objects, marks); err != nil {
		return nil, err
	}
	desired := &Desired{Rendered: rendered, Objects: objects, Hooks: hooks, summary: summarise(objects), from: rendered.Set, basis: on}
	p.r.mu.Lock()
	p.r.desired[p.name] = desired
	p.r.mu.Unlock()
	p.claim(desired, revisions != nil)
	return desired, nil
}

// claim makes known what the Application states, to those who have to do with it.
// Pinned says that an operation chose the revisions.
func (p *pass) claim(desired *Desired, pinned bool) {
	p.r.wake(p.r.claims.found(p.name, p.moves, look{
		set: desired.Objects, server: p.to.dest.Server, sources: p.app.Spec.AllSources(), revisions: desired.Revisions, pinned: pinned,
	}))
}

// sameObjects says that two sets hold the very same objects.
func sameObjects(a, b manifest.Set) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// mark writes on each object whose it is (DESIGN.md D7): the label for watches
// to select by, and Argo CD's tracking id, which a CustomResourceDefinition does
// not get (SEMANTICS.md 2.4). On the pod templates of workloads that restart when what
// they use changes it writes what that is.
func (p *pass) mark(set manifest.Set, rollouts map[manifest.Key]string) (manifest.Set, error) {
	marked := make(manifest.Set, len(set))
	for i, o := range set {
		var err error
		if o.Key.Name == "" {
			return nil, fmt.Errorf("%s: %s has generateName and no name, which only a hook may have", o.Origin, o.Key)
		}
		edit := func(body map[string]any) {
			p.track(body, o.Key)
			if mark := rollouts[o.Key]; mark != "" {
				rollout.Write(body, mark)
			}
		}
		if marked[i], err = o.Edit(edit); err != nil {
			return nil, err
		}
	}
	marked.Share()
	return marked, nil
}

func (p *pass) track(body map[string]any, key manifest.Key) {
	meta := body["metadata"].(map[string]any)
	if p.r.Shadow != nil {
		p.trackAsArgo(meta, key)
		return
	}
	put(meta, "labels", api.LabelApp, api.AppLabel(p.name))
	if key.Kind == "CustomResourceDefinition" {
		return
	}
	if p.settings.Installation != "" {
		put(meta, "annotations", api.AnnotationInstallationID, p.settings.Installation)
	}
	put(meta, "annotations", api.AnnotationTrackingID, trackingID(p.name, p.app, key))
}

// trackingID is what an Application's object carries (SEMANTICS.md 2.4).
func trackingID(instance string, app *api.Application, key manifest.Key) string {
	id := api.TrackingID{App: instance, Group: key.Group, Kind: key.Kind, Namespace: key.Namespace, Name: key.Name}
	if key.Namespace == "" {
		id.Namespace = app.Spec.Destination.Namespace
	}
	return id.String()
}

func put(meta map[string]any, field, name, value string) {
	m, _ := meta[field].(map[string]any)
	if m == nil {
		m = map[string]any{}
		meta[field] = m
	}
	m[name] = value
}
