package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// An object goes from one Application to another when Git says so: the one no
// longer states it, the other does. It is never deleted on the way, whichever
// the agent looks at first:
//
//   - Who states an object that another has given up applies it, and its marks
//     with it, by one server-side apply (inherit).
//   - Who has given up an object that another states does not delete it, neither
//     by a prune nor when it is itself deleted (heirs).
//   - Nothing is deleted before it is known who else states it (surely).
//
// Consent of the giver is its Git; that of the taker's project is asked as for
// any object. What both state stays with the one that has it (DESIGN.md D7).

// inherit turns objects that belong to another Application, which has given them
// up, into ones to be applied.
func (p *pass) inherit(ctx context.Context, changes []diff.Change) {
	p.askOwners(ctx, changes)
	for i, c := range changes {
		if c.Verdict == diff.Foreign && p.givenUp(c) {
			changes[i].Verdict = diff.Update
		}
	}
}

// askOwners has the pass know what is known of the owners of objects of others, where
// those are other processes'.
func (p *pass) askOwners(ctx context.Context, changes []diff.Change) {
	var keys []manifest.Key
	for _, c := range changes {
		if c.Verdict != diff.Foreign {
			continue
		}
		if owner := p.r.ownerOf(c.Live); owner != nil && !p.r.mine(nameOf(owner)) {
			keys = append(keys, c.Key)
		}
	}
	if len(keys) > 0 {
		p.ask(ctx, keys)
	}
}

// givenUp says that an object's Application does not state it any more, as of
// its newest revision that can be rendered. Of one that this agent does not know
// nothing is taken, for it may be another agent's; but if this process saw it
// go, what it left is nobody's.
func (p *pass) givenUp(c diff.Change) bool {
	owner := p.r.ownerOf(c.Live)
	if owner == nil {
		return p.r.claims.hasLeft(c.Live.App)
	}
	if owner.DeletionTimestamp != nil {
		return true
	}
	name := p.r.instance(nameOf(owner))
	p.r.hear(p.name, name)
	l, ok := p.seen(name)
	own, _ := p.r.claims.look(p.name)
	switch {
	case !ok && p.r.Wake == nil: // a preview, which looks at nobody else
		return !p.persisted(owner, c.Key)
	case !ok || l.stale || l.failing.IsZero() && own.behind(l):
		p.soonFrom(name)
		return false // it may have come to state the object
	case p.rendered(name):
		return !p.states(name, c.Key)
	}
	return !p.persisted(owner, c.Key) // it cannot be rendered since the agent began
}

// ownerOf returns the Application that an object belongs to. What has no tracking
// id is known by its label only, which may be shortened.
func (r *Reconciler) ownerOf(live *diff.Live) *api.Application {
	if app := r.application(live.App); app != nil {
		return app
	}
	for _, app := range r.Store.List() {
		if api.AppLabel(r.instance(nameOf(app))) == live.App {
			return app
		}
	}
	return nil
}

// persisted says that an Application stated an object of the same cluster when its
// status was written: by this process, or one before.
func (p *pass) persisted(app *api.Application, key manifest.Key) bool {
	return p.r.serverOf(app) == p.to.dest.Server && slices.ContainsFunc(app.Status.Resources, func(r api.ResourceStatus) bool {
		return !r.Hook && !r.RequiresPruning && r.Group == key.Group && r.Kind == key.Kind &&
			r.Namespace == key.Namespace && r.Name == key.Name
	})
}

// heirs finds, for objects that are live and not in Git any more, the
// Application that states each by now and may have it; none has no entry.
func (p *pass) heirs(changes []diff.Change) map[manifest.Key]string {
	var extra []manifest.Key
	for _, c := range changes {
		if c.Verdict == diff.Extra {
			extra = append(extra, c.Key)
		}
	}
	if len(extra) == 0 {
		return nil
	}
	heirs := map[manifest.Key]string{}
	for key, names := range p.claimed(extra) {
		slices.Sort(names)
		heirs[key] = names[0]
		p.r.hear(p.name, names[0])
	}
	return heirs
}

// claimed lists who else states each of the keys, and is permitted to. Of what
// this process could not render yet, status says what it stated.
func (p *pass) claimed(keys []manifest.Key) map[manifest.Key][]string {
	claimed := map[manifest.Key][]string{}
	for key, names := range p.r.claims.others(p.name, p.to.dest.Server, keys) {
		for _, name := range names {
			if app := p.r.application(name); app != nil && p.mayState(app, key) {
				claimed[key] = append(claimed[key], name)
			}
		}
	}
	for name, d := range p.distant {
		for _, key := range keys {
			if app := p.r.application(name); d.states[key] && !slices.Contains(claimed[key], name) && app != nil && p.mayState(app, key) {
				claimed[key] = append(claimed[key], name)
			}
		}
	}
	for _, app := range p.r.Store.List() {
		name := p.r.instance(nameOf(app))
		if l, ok := p.r.claims.look(name); ok && l.set != nil || name == p.name || len(app.Status.Resources) == 0 || p.r.distant(name) {
			continue
		}
		for _, key := range keys {
			if p.persisted(app, key) && p.mayState(app, key) {
				claimed[key] = append(claimed[key], name)
			}
		}
	}
	return claimed
}

// mayState says that another Application may have an object: it is there to
// stay, reaches the same cluster, and its project permits both.
func (p *pass) mayState(app *api.Application, key manifest.Key) bool {
	destination, err := p.r.Destinations.Resolve(app.Spec.Destination)
	if app.DeletionTimestamp != nil || err != nil || destination.Server != p.to.dest.Server {
		return false
	}
	rules, err := p.r.Store.Rules(app.Spec.ProjectName())
	return err == nil && rules.Object(key, key.Namespace != "", destination).Allowed &&
		len(rules.Application(app, destination, p.r.Namespace)) == 0
}

// sharing warns of objects of this Application that others state, too.
func (p *pass) sharing(changes []diff.Change) {
	var own []manifest.Key
	for _, c := range changes {
		if c.Desired != nil && c.Live != nil && c.Verdict != diff.Foreign && c.Verdict != diff.Refused {
			own = append(own, c.Key)
		}
	}
	others := p.r.claims.others(p.name, p.to.dest.Server, own)
	for _, key := range own {
		for _, name := range others[key] {
			if app := p.r.application(name); app != nil && p.mayState(app, key) {
				p.report.add(api.ConditionSharedResourceWarning,
					fmt.Sprintf("%s is stated by application %s, too, and belongs to this one: remove it from one of the two", key, name))
			}
		}
	}
}

// ErrShared says that an object belongs to another application.
var ErrShared = errors.New("an object belongs to another application, and " + api.SyncOptionFailOnSharedResource + " is set")

// shared is an error if the operation is to fail because of objects of other
// Applications.
func shared(op *api.OperationState, changes []diff.Change) error {
	if !op.Operation.Sync.SyncOptions.Has(api.SyncOptionFailOnSharedResource) {
		return nil
	}
	var found []string
	for _, c := range changes {
		if c.Verdict == diff.Foreign {
			found = append(found, fmt.Sprintf("%s belongs to application %s", c.Key, c.Live.App))
		}
	}
	if len(found) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s: remove it from one of the two", ErrShared, strings.Join(found, "; "))
}
