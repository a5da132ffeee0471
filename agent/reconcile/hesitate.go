package reconcile

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/depend"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/plan"
	"github.com/tidelock-io/tidelock/render/manifest"
	"k8s.io/apimachinery/pkg/types"
)

// lookedWithin is how long deletions wait until it is known what all other
// Applications state. One that cannot be rendered for so long does not hold
// those of the others for ever; what its status says that it stated is left to
// it all the same.
const lookedWithin = 2 * time.Minute

// ConditionDeletionWarning says what the deletion of an Application waits for.
const ConditionDeletionWarning api.ConditionType = "DeletionWarning"

// surely returns the plan without deletions of what another Application states by
// now. If there is one that may, and was not looked at yet, the deletions come
// last, and wait. The wait is short: every Application
// is looked at when its repository moves, and when the agent begins.
func (p *pass) surely(ctx context.Context, op *api.OperationState, changes []diff.Change, runs []plan.Run, todo plan.Plan) plan.Plan {
	prunes := todo.Prunes()
	p.unsure = p.doubt(ctx, markOf(op, ""), prunes, true)
	if len(prunes) == 0 {
		return todo
	}
	p.heirOf = p.heirs(changes) // as is known now, not when the pass began
	policy := p.policy(op)
	policy.PruneLast = policy.PruneLast || p.unsure != ""
	return plan.Build(changes, runs, policy)
}

// hesitates says that a wave has deletions that have to wait.
func (p *pass) hesitates(op *api.OperationState, w plan.Wave) bool {
	if p.unsure == "" || len(w.Prunes)+len(w.Unconfirmed) == 0 {
		return false
	}
	op.Message = clip(p.unsure)
	return true
}

// doubt says what has to be known before the objects may be deleted; "" if
// nothing, or if it was waited for long enough by the try of an operation, or
// whatever else deletes. Rendered says that this Application was, in this pass.
func (p *pass) doubt(ctx context.Context, by string, deletions []manifest.Key, rendered bool) string {
	name := ""
	if len(deletions) > 0 {
		p.ask(ctx, deletions)
		name = p.unknownTo(deletions, rendered)
	}
	p.r.mu.Lock()
	defer p.r.mu.Unlock()
	known, waits := p.r.doubts[p.name]
	switch {
	case name == "":
		delete(p.r.doubts, p.name)
		return ""
	case !waits || known.by != by:
		known = doubt{by, p.now.Time}
		p.r.doubts[p.name] = known
	}
	left := known.since.Add(lookedWithin).Sub(p.now.Time)
	if left <= 0 {
		p.log.Warn("objects are deleted, though another application may state them by now", "other", name)
		return ""
	}
	p.soon(left)
	p.soonFrom(name)
	return fmt.Sprintf("waiting to delete %s until it is known whether application %s states it", deletions[0], name)
}

// A doubt is what waits to delete, and since when.
type doubt struct {
	by    string
	since time.Time
}

// unknownTo names an Application that might state one of the objects by now, ""
// if there is none. Its news are heard.
func (p *pass) unknownTo(deletions []manifest.Key, rendered bool) string {
	own, _ := p.r.claims.look(p.name)
	if own.stale && rendered {
		return p.name // another pass is due
	}
	for _, app := range p.r.Store.List() {
		name := p.r.instance(nameOf(app))
		if name == p.name || app.DeletionTimestamp != nil || app.Annotations[api.AnnotationSkipReconcile] == "true" {
			continue
		}
		if p.unseen(name, own, rendered) && p.concerned(app, name, deletions) {
			p.r.hear(p.name, name)
			if p.unseen(name, own, rendered) {
				return name
			}
		}
		if child := p.unborn(app, name, own); child != "" {
			return child
		}
	}
	return ""
}

// unseen says that it is not known what another Application states by now.
func (p *pass) unseen(name string, own look, rendered bool) bool {
	l, ok := p.seen(name)
	switch {
	case !ok, l.stale:
		return true
	case !l.failing.IsZero():
		return p.now.Sub(l.failing) < lookedWithin
	}
	return rendered && !own.pinned && behind(l.sources, l.revisions, own)
}

// concerned says that another Application might state one of the objects, or
// Applications that do.
func (p *pass) concerned(app *api.Application, name string, deletions []manifest.Key) bool {
	l, _ := p.seen(name)
	return app.Status.Summary.IsAppOfApps && p.r.serverOf(app) == api.InClusterServer || len(l.apps) > 0 ||
		slices.ContainsFunc(deletions, func(key manifest.Key) bool { return p.mayState(app, key) })
}

// unborn names an Application that another, of a repository in common, states
// and is about to create. Its news are heard, too.
func (p *pass) unborn(app *api.Application, name string, own look) string {
	l, _ := p.seen(name)
	if len(l.apps) == 0 || !l.shares(own) || !app.Spec.SyncPolicy.IsAutomated() && !depend.Syncing(app) {
		return ""
	}
	for _, child := range l.apps {
		if p.r.find(child) == nil {
			p.r.hear(p.name, p.r.instance(child))
			return p.r.instance(child)
		}
	}
	return ""
}

func nameOf(app *api.Application) types.NamespacedName {
	return types.NamespacedName{Namespace: app.Namespace, Name: app.Name}
}

// bequeath takes out of the objects of an Application that is being deleted
// those that others state by now, and gives them over. It reports what has to be
// known before the rest may be deleted, "" if nothing.
func (p *pass) bequeath(ctx context.Context, changes []diff.Change) (rest []diff.Change, doubt string, err error) {
	keys := make([]manifest.Key, len(changes))
	for i, c := range changes {
		keys[i] = c.Key
	}
	if doubt := p.doubt(ctx, "deletion", keys, false); doubt != "" {
		return nil, doubt, nil
	}
	p.heirOf = p.heirs(changes) // as is known now
	for _, c := range changes {
		heir := p.heirOf[c.Key]
		if heir == "" || c.Live.Deleting {
			rest = append(rest, c)
			continue
		}
		app := p.r.application(heir)
		if app == nil {
			continue // another pass will find that out
		}
		if err := p.apply.Give(ctx, c.Live, heir, trackingID(heir, app, c.Key)); err != nil {
			return nil, "", err
		}
		p.log.Info("an object was handed over", "object", c.Key, "to", heir)
	}
	return rest, "", nil
}
