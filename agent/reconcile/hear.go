package reconcile

import (
	"strings"
	"sync"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/depend"
	"k8s.io/apimachinery/pkg/types"
)

// A face is what those who wait for an Application see of it.
type face struct {
	lacks, on            string
	known, stale, failed bool
	version              int
	revisions, reported  string
}

// hearing knows which Applications wait for news of which others. Nobody asks
// again and again: a pass that changes the face of its Application has those make
// a pass who have seen the old one.
type hearing struct {
	mu sync.Mutex // guards seen
	// seen is, by the one that is waited for and the one that waits, the face that
	// the latter has seen.
	seen map[string]map[string]face
}

// hear has an application make a pass when another, which need not exist, looks
// otherwise than now, or than it did when first seen. It comes before any look at
// the other, so that no change is missed between.
func (r *Reconciler) hear(name, of string) {
	r.hearing.mu.Lock()
	defer r.hearing.mu.Unlock()
	if r.hearing.seen[of] == nil {
		r.hearing.seen[of] = map[string]face{}
	}
	if _, waits := r.hearing.seen[of][name]; !waits {
		r.hearing.seen[of][name] = r.face(of)
	}
}

// forget drops an application that waits for no news any more.
func (h *hearing) forget(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for of, seen := range h.seen {
		if delete(seen, name); len(seen) == 0 {
			delete(h.seen, of)
		}
	}
}

// show tells those who wait for news of an application, if there are any.
func (r *Reconciler) show(name string) {
	var told []string
	r.hearing.mu.Lock()
	if seen := r.hearing.seen[name]; len(seen) > 0 {
		now := r.face(name)
		for who, face := range seen {
			if face != now {
				delete(seen, who)
				told = append(told, who)
			}
		}
		if len(seen) == 0 {
			delete(r.hearing.seen, name)
		}
	}
	r.hearing.mu.Unlock()
	r.wake(told)
}

func (r *Reconciler) face(name string) face {
	app := r.application(name)
	f := face{lacks: depend.Lacks(app)}
	if app != nil {
		f.on = app.Annotations[api.AnnotationDependsOn]
	}
	if r.distant(name) {
		if app != nil {
			f.known, f.revisions = true, app.ResourceVersion // what is news its status says, or whoever asks is told
		}
		return f
	}
	if l, ok := r.claims.look(name); ok {
		f.known, f.stale, f.failed, f.version = true, l.stale, !l.failing.IsZero(), l.version
		f.revisions, f.reported = strings.Join(l.revisions, " "), strings.Join(l.reported, " ")
	}
	return f
}

// wake has applications make a pass.
func (r *Reconciler) wake(names []string) {
	if r.Wake == nil {
		return // a preview
	}
	for _, name := range names {
		namespace, name := api.ParseInstanceName(name, r.Namespace)
		r.Wake(types.NamespacedName{Namespace: namespace, Name: name})
	}
}

// application returns one by its instance name, or nil.
func (r *Reconciler) application(name string) *api.Application {
	namespace, name := api.ParseInstanceName(name, r.Namespace)
	return r.Store.Application(namespace, name)
}

func (r *Reconciler) instance(name types.NamespacedName) string {
	return api.InstanceName(name.Namespace, name.Name, r.Namespace)
}

// Moved says that repositories of Applications have news: until the next pass
// over each, nobody takes what was seen in it for the newest.
func (r *Reconciler) Moved(apps []types.NamespacedName) {
	names := make([]string, len(apps))
	for i, app := range apps {
		names[i] = r.instance(app)
	}
	r.claims.moved(names)
}
