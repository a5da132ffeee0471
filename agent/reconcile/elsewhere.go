package reconcile

import (
	"context"
	"slices"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
	"k8s.io/apimachinery/pkg/types"
)

// Replicas are the processes that divide the Applications among them. It is safe for
// concurrent use.
type Replicas interface {
	// Mine says whether an Application is this process's.
	Mine(app types.NamespacedName) bool
	// Ask returns what the others have seen of the Applications that are theirs, and which
	// of the objects those state, as of now. Of those Applications whose process does not
	// answer there is nothing in it.
	Ask(ctx context.Context, objects []Located) []Look
}

// A Located is an object in a cluster.
type Located struct {
	Server string       `json:"server"`
	Key    manifest.Key `json:"key"`
}

// A Look is what the process that works on an Application knows of it.
type Look struct {
	App types.NamespacedName `json:"app"`
	// Apps are the Applications that it states.
	Apps []types.NamespacedName `json:"apps,omitempty"`
	// Sources are where what it states is from, without what renderers are told, and
	// Revisions at which commits. Pinned: an operation chose these. Reported are those
	// that its status is about.
	Sources   []api.Source `json:"sources,omitempty"`
	Revisions []string     `json:"revisions,omitempty"`
	Reported  []string     `json:"reported,omitempty"`
	Pinned    bool         `json:"pinned,omitempty"`
	// Failing is for how long it could not be rendered, Rendered whether it ever was, and
	// Stale whether one of its repositories has moved since the look.
	Failing  time.Duration `json:"failing,omitempty"`
	Rendered bool          `json:"rendered,omitempty"`
	Stale    bool          `json:"stale,omitempty"`
	// States are those of the objects that were asked for, by their places, that it states.
	States []int `json:"states,omitempty"`
}

// Looks answers another process: what is known of the Applications that are this
// process's, and which of the objects each states.
func (r *Reconciler) Looks(objects []Located) []Look {
	return r.claims.tell(objects, r.Now(), func(instance string) (types.NamespacedName, bool) {
		namespace, name := api.ParseInstanceName(instance, r.Namespace)
		app := types.NamespacedName{Namespace: namespace, Name: name}
		return app, r.mine(app)
	})
}

func (c *claims) tell(objects []Located, now time.Time, own func(instance string) (types.NamespacedName, bool)) []Look {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]Look, 0, len(c.looks))
	places := make(map[string]int, len(c.looks))
	for name, l := range c.looks {
		app, mine := own(name)
		if !mine {
			continue
		}
		places[name] = len(all)
		all = append(all, l.told(app, now))
	}
	for i, o := range objects {
		for _, name := range c.stated[located{o.Server, o.Key}] {
			if place, ok := places[name]; ok {
				all[place].States = append(all[place].States, i)
			}
		}
	}
	return all
}

// told is a look for another process. Values of renderers, which may be anything, stay
// here.
func (l look) told(app types.NamespacedName, now time.Time) Look {
	t := Look{
		App: app, Apps: l.apps, Revisions: l.revisions, Reported: l.reported, Pinned: l.pinned, Rendered: l.set != nil, Stale: l.stale,
	}
	for _, s := range l.sources {
		t.Sources = append(t.Sources, api.Source{RepoURL: s.RepoURL, TargetRevision: s.TargetRevision, Chart: s.Chart, TagPrefix: s.TagPrefix})
	}
	if !l.failing.IsZero() {
		t.Failing = max(now.Sub(l.failing), 1)
	}
	return t
}

// A distant look is one that another process has told of.
type distant struct {
	look
	rendered bool
	states   map[manifest.Key]bool
}

// mine says whether an Application is this process's.
func (r *Reconciler) mine(app types.NamespacedName) bool {
	return r.Replicas == nil || r.Replicas.Mine(app)
}

// distant says that an Application is another process's.
func (r *Reconciler) distant(instance string) bool {
	if r.Replicas == nil {
		return false
	}
	namespace, name := api.ParseInstanceName(instance, r.Namespace)
	return !r.Replicas.Mine(types.NamespacedName{Namespace: namespace, Name: name})
}

// askAgain is how long to wait until others are asked once more: they do not tell by
// themselves what they have seen.
const askAgain = time.Second

// ask has the pass know what others have seen of the Applications that are theirs, and
// which of these state the objects.
func (p *pass) ask(ctx context.Context, keys []manifest.Key) {
	if p.r.Replicas == nil {
		return
	}
	before := p.distant
	p.distant = map[string]distant{}
	objects := make([]Located, len(keys))
	for i, key := range keys {
		objects[i] = Located{p.to.dest.Server, key}
	}
	for _, t := range p.r.Replicas.Ask(ctx, objects) {
		name := p.r.instance(t.App)
		d := distant{rendered: t.Rendered, states: map[manifest.Key]bool{}, look: look{
			apps: t.Apps, sources: t.Sources, revisions: t.Revisions, reported: t.Reported, pinned: t.Pinned, stale: t.Stale,
		}}
		if t.Failing > 0 {
			d.failing = p.now.Add(-t.Failing)
		}
		for key := range before[name].states {
			if !slices.Contains(keys, key) {
				d.states[key] = before[name].states[key]
			}
		}
		for _, i := range t.States {
			if i >= 0 && i < len(keys) {
				d.states[keys[i]] = true
			}
		}
		p.distant[name] = d
	}
}

// soonFrom asks for another pass soon if there is news to be had of an Application from
// another process.
func (p *pass) soonFrom(name string) {
	if p.r.distant(name) {
		p.soon(askAgain)
	}
}

// seen returns the last look at an Application, whosever it is: at one of another process
// what that has told in this pass.
func (p *pass) seen(name string) (look, bool) {
	if p.r.distant(name) {
		d, ok := p.distant[name]
		return d.look, ok
	}
	return p.r.claims.look(name)
}

// rendered says that by the last look at an Application it is known what it states.
func (p *pass) rendered(name string) bool {
	if p.r.distant(name) {
		return p.distant[name].rendered
	}
	l, _ := p.r.claims.look(name)
	return l.set != nil
}

// states says whether an Application states an object, by the last look.
func (p *pass) states(name string, key manifest.Key) bool {
	if p.r.distant(name) {
		return p.distant[name].states[key]
	}
	return p.r.claims.states(name, located{p.to.dest.Server, key})
}

// Left takes it that an Application was deleted, whosever it was.
func (r *Reconciler) Left(app types.NamespacedName) { r.claims.leave(r.instance(app)) }

// Release drops what is kept of Applications that are another process's from now on,
// and returns them.
func (r *Reconciler) Release(of func(types.NamespacedName) bool) (released []types.NamespacedName) {
	r.mu.Lock()
	for instance := range r.uids {
		namespace, name := api.ParseInstanceName(instance, r.Namespace)
		if app := (types.NamespacedName{Namespace: namespace, Name: name}); of(app) {
			released = append(released, app)
			delete(r.uids, instance)
			delete(r.yielded, instance)
		}
	}
	r.mu.Unlock()
	for _, app := range released {
		instance := r.instance(app)
		r.wake(r.claims.release(instance))
		r.drop(instance)
	}
	return released
}

// Instances lists, as instance names, those of all Applications that a function knows.
func (r *Reconciler) Instances(of func(types.NamespacedName) bool) (instances []string) {
	for _, app := range r.Store.List() {
		if of(nameOf(app)) {
			instances = append(instances, r.instance(nameOf(app)))
		}
	}
	return instances
}

// Heard takes it that there is news of an Application that is another process's. What it
// states is known by its status, which comes late, and is for those who need not know it
// for sure; they and who waits for it make a pass.
func (r *Reconciler) Heard(name types.NamespacedName) {
	instance, app := r.instance(name), r.find(name)
	var states look
	if app != nil {
		states.server = r.serverOf(app)
		for _, res := range app.Status.Resources {
			if !res.Hook && !res.RequiresPruning {
				states.set = append(states.set, &manifest.Object{Key: objectOf(res)})
			}
		}
	}
	r.wake(r.claims.heard(instance, states))
	r.show(instance)
	r.mu.Lock()
	var around []string
	for member, circle := range r.circles {
		if slices.Contains(circle.Members(), name) {
			around = append(around, member)
		}
	}
	r.mu.Unlock()
	r.wake(around)
}
