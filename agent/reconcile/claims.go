package reconcile

import (
	"slices"
	"sync"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/render/manifest"
	"k8s.io/apimachinery/pkg/types"
)

// A look is what the last pass over an Application found in Git.
type look struct {
	// set is what it states; nil if this process could not render it yet. Version
	// grows with every other set.
	set     manifest.Set
	version int
	// server names the cluster that it is for.
	server string
	// apps are the Applications among it.
	apps []types.NamespacedName
	// sources are where from, and revisions at which commits.
	sources   []api.Source
	revisions []string
	// pinned: an operation chose the revisions, which may be old ones.
	pinned bool
	// failing is since when it cannot be rendered; zero if it can.
	failing time.Time
	// stale: one of its repositories has moved since.
	stale bool
	// reported are the revisions that its status is about.
	reported []string
}

// claims know what every Application states, and how recent that is. They are
// safe for concurrent use.
type claims struct {
	mu     sync.Mutex // guards all below
	looks  map[string]look
	moves  map[string]int       // how often the repositories of one have moved
	stated map[located][]string // applications that state an object
	left   map[string]bool      // that were deleted while this process ran
	abroad map[string]look      // what status says that others state, which are other processes'
}

// mostLeft bounds how many deleted applications are known by name. What one left
// of which that is not known any more is another's, until somebody deletes it.
const mostLeft = 10_000

func newClaims() *claims {
	return &claims{
		looks: map[string]look{}, moves: map[string]int{}, stated: map[located][]string{}, left: map[string]bool{}, abroad: map[string]look{},
	}
}

// begin returns what found and failed want to know, of a look that begins now.
func (c *claims) begin(name string) (moves int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.moves[name]
}

// found takes a new look at an application. It returns those that have to do
// with what it states now and did not before, or the other way round.
func (c *claims) found(name string, moves int, l look) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.looks[name]
	l.reported, l.version, l.stale = old.reported, old.version, moves != c.moves[name]
	changed := !sameObjects(old.set, l.set) || old.server != l.server
	if changed {
		l.version++
		l.apps = applications(l)
	} else {
		l.apps = old.apps
	}
	c.looks[name] = l
	delete(c.left, name)
	if before, ok := c.abroad[name]; ok { // it was another process's
		delete(c.abroad, name)
		return c.restate(name, before, l)
	}
	if !changed {
		return nil
	}
	return c.restate(name, old, l)
}

// heard takes what an application states that is another process's, by its status. It
// returns those that have to do with what that is now and was not before, or the other
// way round.
func (c *claims) heard(name string, states look) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.looks[name]; ok {
		return nil // it is this process's again
	}
	before := c.abroad[name]
	if c.abroad[name] = states; len(states.set) == 0 {
		delete(c.abroad, name)
	}
	return c.restate(name, before, states)
}

// applications lists those that an application states: in another cluster they are
// another agent's.
func applications(l look) (apps []types.NamespacedName) {
	if l.server != api.InClusterServer {
		return nil
	}
	for _, o := range l.set {
		if o.Key.Group == api.GroupVersion.Group && o.Key.Kind == "Application" {
			apps = append(apps, types.NamespacedName{Namespace: o.Key.Namespace, Name: o.Key.Name})
		}
	}
	return apps
}

// restate changes what an application states, and returns whoever states any of
// that, too. The caller holds c.mu.
func (c *claims) restate(name string, old, next look) (concerned []string) {
	keeps := make(map[located]bool, len(next.set))
	for _, o := range next.set {
		at := located{next.server, o.Key}
		if keeps[at] = true; !slices.Contains(c.stated[at], name) {
			concerned = append(concerned, c.stated[at]...)
			c.stated[at] = append(slices.Clip(c.stated[at]), name)
		}
	}
	for _, o := range old.set {
		at := located{old.server, o.Key}
		if keeps[at] {
			continue
		}
		others := slices.DeleteFunc(slices.Clone(c.stated[at]), func(other string) bool { return other == name })
		concerned = append(concerned, others...)
		c.stated[at] = others
		if len(others) == 0 {
			delete(c.stated, at)
		}
	}
	slices.Sort(concerned)
	return slices.Compact(concerned)
}

// failed takes it that an application cannot be rendered. What it stated before
// stands.
func (c *claims) failed(name string, moves int, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.looks[name]
	if l.failing.IsZero() {
		l.failing = now
	}
	l.stale = moves != c.moves[name]
	c.looks[name] = l
	delete(c.left, name)
}

// moved takes it that repositories of applications have news.
func (c *claims) moved(names []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range names {
		c.moves[name]++
		if l, ok := c.looks[name]; ok {
			l.stale = true
			c.looks[name] = l
		}
	}
}

// reported takes it that the status of an application is about the last look.
func (c *claims) reported(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l, ok := c.looks[name]; ok {
		l.reported = l.revisions
		c.looks[name] = l
	}
}

// forget drops an application that is gone, and returns whom that concerns.
func (c *claims) forget(name string) []string {
	if _, ok := c.look(name); ok {
		c.leave(name)
	}
	return c.release(name)
}

// release drops an application, and returns whom that concerns.
func (c *claims) release(name string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.moves, name)
	states := c.abroad[name]
	if l, ok := c.looks[name]; ok && l.set != nil {
		states = l
	}
	delete(c.abroad, name)
	delete(c.looks, name)
	return c.restate(name, states, look{})
}

// leave takes it that an application was deleted.
func (c *claims) leave(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for other := range c.left {
		if len(c.left) < mostLeft {
			break
		}
		delete(c.left, other)
	}
	c.left[name] = true
}

// look returns the last look at an application.
func (c *claims) look(name string) (look, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l, ok := c.looks[name]
	return l, ok
}

// states says whether an application states an object, by the last look.
func (c *claims) states(name string, o located) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Contains(c.stated[o], name)
}

// others lists, for each of the keys in a cluster, who else states it.
func (c *claims) others(name, server string, keys []manifest.Key) map[manifest.Key][]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var others map[manifest.Key][]string
	for _, key := range keys {
		stated := c.stated[located{server, key}]
		if len(stated) == 0 || len(stated) == 1 && stated[0] == name {
			continue
		}
		if others == nil {
			others = map[manifest.Key][]string{}
		}
		others[key] = slices.DeleteFunc(slices.Clone(stated), func(other string) bool { return other == name })
	}
	return others
}

// hasLeft says that an application was deleted while this process ran, so that what
// carries its name is nobody's.
func (c *claims) hasLeft(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.left[name]
}

// behind says that one look is not of the commit that another is of, where both
// follow the same revision of the same repository. What an operation chose tells
// nothing of that.
func (l look) behind(other look) bool {
	if l.pinned || other.pinned {
		return false
	}
	return behind(l.sources, l.revisions, other)
}

func behind(sources []api.Source, revisions []string, other look) bool {
	for i, source := range sources {
		for j, theirs := range other.sources {
			if i < len(revisions) && j < len(other.revisions) && revisions[i] != other.revisions[j] && together(&source, &theirs) {
				return true
			}
		}
	}
	return false
}

// together says that two sources are at the same commit as soon as both were
// looked at.
func together(a, b *api.Source) bool {
	return a.Revision() == b.Revision() && a.Chart == b.Chart && a.TagPrefix == b.TagPrefix &&
		git.Normalize(a.RepoURL) == git.Normalize(b.RepoURL)
}

// shares says that two looks read a repository in common, at whatever revision.
func (l look) shares(other look) bool {
	return slices.ContainsFunc(l.sources, func(a api.Source) bool {
		return slices.ContainsFunc(other.sources, func(b api.Source) bool { return git.Normalize(a.RepoURL) == git.Normalize(b.RepoURL) })
	})
}
