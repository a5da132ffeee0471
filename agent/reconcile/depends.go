package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/apply"
	"github.com/tidelock-io/tidelock/agent/depend"
	"github.com/tidelock-io/tidelock/render/manifest"
	"k8s.io/apimachinery/pkg/types"
)

const (
	// ConditionDependencyWarning names the Applications that a sync waits for.
	ConditionDependencyWarning api.ConditionType = "DependencyWarning"
	// ConditionDependencyError says why what an Application depends on can never be
	// as it has to be.
	ConditionDependencyError api.ConditionType = "DependencyError"
)

// ErrDependencies says that what an Application depends on was not ready in time.
var ErrDependencies = errors.New("the dependencies were not ready in time")

// depends says that an operation has to wait for other Applications. An automatic
// one is then not begun; one that somebody asked for waits, for as long as a sync
// may take. Which waits, and which does not, says [api.AnnotationDependsOn].
func (p *pass) depends(ctx context.Context, op *api.OperationState) bool {
	if op.Operation.Sync.DryRun || slices.Contains(op.Operation.Info, ignoreDependencies) || op.SyncResult != nil && begun(op) {
		return false
	}
	kind, reason := p.unmet(ctx)
	if reason == "" {
		return false
	}
	if kind != "" {
		p.report.add(kind, reason)
	}
	if running := op == p.status.OperationState; op.Operation.InitiatedBy.Automated && !running && !p.taken {
		return true
	}
	op.Message = clip(reason)
	p.status.OperationState = op
	if !p.patient(op, manifest.Key{}) {
		timeout := p.timeout(api.AnnotationSyncTimeout, nil, defaultSyncTimeout)
		err := fmt.Errorf("%w: not within %s (%s): %s", ErrDependencies, timeout, api.AnnotationSyncTimeout, reason)
		p.end(op, []apply.Result{{Err: err, Message: err.Error()}}, "")
	}
	return true
}

// ignoreDependencies is the note in an operation that it waits for nobody.
var ignoreDependencies = api.Info{Name: api.AnnotationIgnoreDependencies, Value: "true"}

// unmet says what the Application waits for, "" if it may begin, and by which
// condition, "" if that is said already.
func (p *pass) unmet(ctx context.Context) (api.ConditionType, string) {
	list, err := depend.On(p.app)
	switch {
	case err != nil:
		return "", err.Error()
	case len(list) == 0:
		return "", ""
	case len(p.circle) > 0 && !p.circle[0].Child:
		return "", "waits for itself: " + p.circle.String()
	}
	if slices.ContainsFunc(list, func(name types.NamespacedName) bool { return !p.r.mine(name) }) {
		p.ask(ctx, nil)
	}
	find := depend.Visible(p.app, p.r.Namespace, p.r.find)
	var waits []string
	for _, name := range list {
		p.r.hear(p.name, p.r.instance(name))
		if lacks := p.lacks(name, find(name)); lacks != "" {
			waits = append(waits, name.String()+", which "+lacks)
			p.soonFrom(p.r.instance(name))
		}
	}
	if len(waits) == 0 {
		return "", ""
	}
	return ConditionDependencyWarning, "waits for " + strings.Join(waits, "; ")
}

// lacks says what keeps another Application from being depended on: what its
// status says and, for that lags behind Git, what is known of the last look at it.
func (p *pass) lacks(name types.NamespacedName, app *api.Application) string {
	if app == nil && p.app.Namespace != p.r.Namespace && name.Namespace != p.app.Namespace {
		return depend.Lacks(nil) + " in project " + p.app.Spec.ProjectName()
	}
	if lacks := depend.Lacks(app); lacks != "" || app.Annotations[api.AnnotationSkipReconcile] == "true" {
		return lacks
	}
	own, _ := p.r.claims.look(p.name)
	l, ok := p.seen(p.r.instance(name))
	switch {
	case !ok:
		return "has not been looked at since the agent began"
	case l.stale:
		return "has not been looked at since its repository moved"
	case !own.pinned && !l.pinned && behind(l.sources, l.reported, own):
		return "has not been compared at the same commit yet"
	}
	return ""
}

// find returns an Application, or nil.
func (r *Reconciler) find(name types.NamespacedName) *api.Application {
	return r.Store.Application(name.Namespace, name.Name)
}

// rounds looks for dependencies that go round, and says so. The others in the
// circle are told when there is news of it, for it may be that none of them has
// any other reason for a pass.
func (p *pass) rounds() {
	if _, err := depend.On(p.app); err != nil {
		p.report.add(ConditionDependencyError, err.Error())
	}
	p.circle = depend.Round(p.app, p.r.Namespace, p.r.find)
	p.r.tellCircle(p.name, p.circle)
	if len(p.circle) > 0 {
		p.report.add(ConditionDependencyError, fmt.Sprintf(
			"dependencies go round, so that none of these begins a sync: %s: take one out of annotation %s", p.circle, api.AnnotationDependsOn))
	}
}

// tellCircle takes it that an application is in a circle, or in none.
func (r *Reconciler) tellCircle(name string, circle depend.Circle) {
	r.mu.Lock()
	old := r.circles[name]
	if slices.Equal(old, circle) {
		r.mu.Unlock()
		return
	}
	r.circles[name] = circle
	if len(circle) == 0 {
		delete(r.circles, name)
	}
	r.mu.Unlock()
	var others []string
	for _, member := range slices.Concat(old.Members(), circle.Members()) {
		if other := r.instance(member); other != name {
			others = append(others, other)
		}
	}
	r.wake(others)
}
