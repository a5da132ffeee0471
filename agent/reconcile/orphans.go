package reconcile

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/project"
	"github.com/tidelock-io/tidelock/agent/settings"
	"github.com/tidelock-io/tidelock/render/manifest"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A place is where a project looks for objects of no application.
type place struct{ project, server, namespace string }

// An orphanage is what was found there. It must not be changed, but for busy.
type orphanage struct {
	at       time.Time
	rules    *project.Rules     // by which it was looked for
	settings *settings.Settings // likewise
	found    []manifest.Key     // the first of them
	more     int                // how many there are beyond
	busy     bool               // somebody looks
}

// maxOrphans is how many orphans of a namespace are kept by name.
const maxOrphans = 200

// forgotten is after how many refresh intervals nobody asks for a place any more.
const forgotten = 4

// shownOrphans is how many of them a message names.
const shownOrphans = 5

// orphans looks for objects in the destination's namespace that belong to no
// application, if the project asks for it (SEMANTICS.md 1.8): once in a refresh
// interval for all of its Applications there, and when somebody asks for a refresh.
func (p *pass) orphans(ctx context.Context, desired *Desired) {
	rules, namespace := p.rules.Orphans(), p.app.Spec.Destination.Namespace
	if rules == nil || namespace == "" {
		p.r.setOrphans(p.name, -1)
		return
	}
	known := p.orphanage(place{p.app.Spec.ProjectName(), p.to.dest.Server, namespace})
	if known.busy {
		known = p.search(ctx, rules, known)
	}
	if known.at.IsZero() { // another pass looks for the first time
		p.soon(time.Second)
		if rules.Warn {
			p.report.keep(p.app.Status.Conditions, api.ConditionOrphanedResourceWarning)
		}
		return
	}
	stated := statedAmong(known.found, desired.Objects)
	left := slices.DeleteFunc(slices.Clone(known.found), func(key manifest.Key) bool { return stated[key] || p.to.Cluster.Owned(key) })
	count := len(left) + known.more
	p.r.setOrphans(p.name, count)
	if count > 0 && rules.Warn {
		p.report.add(api.ConditionOrphanedResourceWarning, fmt.Sprintf("namespace %s holds %s", namespace, listed(left, count)))
	}
}

// statedAmong says which of some objects a set states.
func statedAmong(keys []manifest.Key, set manifest.Set) map[manifest.Key]bool {
	stated := make(map[manifest.Key]bool, len(keys))
	for _, key := range keys {
		stated[key] = false
	}
	for _, o := range set {
		if _, ok := stated[o.Key]; ok {
			stated[o.Key] = true
		}
	}
	return stated
}

// stale says that what was found is to be looked for anew.
func (p *pass) stale(o *orphanage) bool {
	return o.rules != p.rules || o.settings != p.settings || p.now.Sub(o.at) >= p.pace.Rest || p.app.Annotations[api.AnnotationRefresh] != ""
}

// search looks, and remembers what it finds. If it cannot, what was known stays.
func (p *pass) search(ctx context.Context, rules *project.Orphans, known orphanage) orphanage {
	destination := p.to.dest
	at := place{p.app.Spec.ProjectName(), destination.Server, destination.Namespace}
	found, err := p.to.Cluster.Untracked(ctx, at.namespace, func(kind schema.GroupKind) bool {
		return !p.excludes(manifest.Key{Group: kind.Group, Kind: kind.Kind}) && p.rules.OrphanKind(kind, destination)
	})
	next := orphanage{at: p.now.Time, rules: p.rules, settings: p.settings, found: known.found, more: known.more}
	if err != nil {
		p.log.Warn("cannot look for objects of no application", "namespace", at.namespace, "error", err)
	} else {
		found = slices.DeleteFunc(found, func(key manifest.Key) bool { return !rules.Reports(key) })
		next.found, next.more = slices.Clone(found[:min(len(found), maxOrphans)]), max(0, len(found)-maxOrphans)
		if !slices.Equal(next.found, known.found) {
			p.log.Info("objects of no application", "namespace", at.namespace, "count", len(found), "objects", listed(next.found, len(found)))
		}
	}
	p.r.mu.Lock()
	defer p.r.mu.Unlock()
	p.r.places[at] = &next
	return next
}

// orphanage returns what is known of a place. It is marked busy if it is stale, and
// nobody looks yet: then the caller has to.
func (p *pass) orphanage(at place) orphanage {
	r := p.r
	r.mu.Lock()
	defer r.mu.Unlock()
	known := r.places[at]
	if known == nil {
		maps.DeleteFunc(r.places, func(_ place, o *orphanage) bool { return !o.busy && p.now.Sub(o.at) > forgotten*p.pace.Rest })
		known = &orphanage{}
		r.places[at] = known
	}
	if known.busy || !p.stale(known) {
		other := *known
		other.busy = false
		return other
	}
	known.busy = true
	return *known
}

// setOrphans keeps how many an Application's namespace has; negative if nobody
// asks.
func (r *Reconciler) setOrphans(name string, count int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if count < 0 {
		delete(r.strays, name)
		return
	}
	r.strays[name] = count
}

// Orphans returns how many objects of no application there are beside an
// Application's, if its project asks for them.
func (r *Reconciler) Orphans(app *api.Application) (count int, asked bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	count, asked = r.strays[api.InstanceName(app.Namespace, app.Name, r.Namespace)]
	return count, asked
}

// listed names the first of count objects.
func listed(keys []manifest.Key, count int) string {
	names := make([]string, 0, shownOrphans)
	for _, key := range keys[:min(len(keys), shownOrphans)] {
		names = append(names, key.String())
	}
	text := fmt.Sprintf("%d objects of no application: %s", count, strings.Join(names, ", "))
	if count == 1 {
		text = "an object of no application: " + strings.Join(names, ", ")
	}
	if more := count - len(names); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
