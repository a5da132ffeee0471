// Package fleet tells what is wrong with a set of Applications that none of them shows
// alone: two that state the same object, what their AppProjects refuse, windows and
// waves that never let a sync end, dependencies that go round. It is pure: hand it the
// Applications, what they render, and the date.
//
// It asks the very code that the agent acts by (packages project, window, plan and
// depend), so that the two cannot disagree. Where a repository does not tell, it stays
// silent: what is in no file may be in the cluster.
//
// Start with [Fleet.Check].
package fleet

import (
	"path"
	"slices"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/validate"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A Fleet is what a repository says of Applications.
type Fleet struct {
	Members []*Member
	// Loose are the objects that nothing renders: AppProjects, settings of the agent.
	Loose manifest.Set
	// Known is what Secrets of the repository say of clusters and repositories.
	Known Known
	// Namespace is the agent's own; "" is what the repository lets one think.
	Namespace string
	// Now is where the search for openings of windows begins. Findings do not name it.
	Now time.Time
}

// A Member is an Application and what it states.
type Member struct {
	// App is nil for an overlay or a chart that no Application names; Dir is its own.
	App *api.Application
	Dir string
	// Object states App. If another member renders it, it is the object of that one's Set.
	Object *manifest.Object
	// Rendered says that Set is known. Else a source of it is not here.
	Rendered bool
	Set      manifest.Set
	// Repeated are objects that it states twice: those of Set count.
	Repeated []manifest.Duplicate
	// Prefix leads from the repository's root to where the files of Set are named from.
	Prefix string

	parents  []*Member
	children bool            // it states Applications
	label    string          // see installations
	dest     api.Destination // with both names of the cluster, as far as they are known
	cluster  string          // one word for it
}

// Name is that of the Application, "" if it is none.
func (m *Member) Name() string {
	if m.App == nil {
		return ""
	}
	return m.App.Name
}

// at names a place in the files of a member, from the repository's root.
func (m *Member) at(o manifest.Origin) string {
	if m != nil && o.File != "" {
		o.File = path.Join(m.Prefix, o.File)
	}
	return o.String()
}

// place is where the Application itself is stated.
func (m *Member) place() string { return m.home().at(m.Object.Origin) }

// home is the member in whose files the Application is stated, nil if nothing renders
// it.
func (m *Member) home() *Member {
	if len(m.parents) == 0 {
		return nil
	}
	return m.parents[0]
}

// A Problem is a fault, and whose files it is in.
type Problem struct {
	validate.Problem
	// Of is the member that states the object; nil if nothing renders it.
	Of *Member
	// Applications are those that it concerns.
	Applications []string
}

// check collects problems.
type check struct {
	*Fleet
	apps     []*Member // those with an Application
	byLabel  map[string][]*Member
	stated   map[statement][]stater
	splits   map[string]bool            // directories; see installations
	projects map[string][]*agentProject // by name
	defined  map[schema.GroupKind]bool  // custom kinds, and whether they have namespaces
	classes  map[statement]*stater      // StorageClasses
	sets     manifest.Set               // ApplicationSets

	ownDefault   *agentProject
	impersonates bool
	problems     []Problem
}

// Check looks at all Applications together, in the order of the kinds of faults.
// Notes are sentences on what could not be looked at.
func (f *Fleet) Check() (problems []Problem, notes []string) {
	c := &check{Fleet: f, byLabel: map[string][]*Member{}}
	c.prepare()
	for _, stage := range []func(){
		c.annotations, c.twice, c.shared, c.namespaces, c.permissions, c.windows,
		c.waves, c.definitions, c.dependencies, c.children, c.destinations,
	} {
		stage()
	}
	return c.problems, c.notes()
}

// prepare finds out who states whom, and which Applications are of one installation.
func (c *check) prepare() {
	c.family()
	if c.Namespace == "" {
		c.Namespace = c.agentNamespace()
	}
	for _, m := range c.Members {
		if m.App == nil {
			continue
		}
		c.apps = append(c.apps, m)
		m.dest, m.cluster = c.Known.resolve(m.App.Spec.Destination)
	}
	slices.SortStableFunc(c.apps, byName)
	c.index()
	c.installations()
	for _, m := range c.apps {
		c.byLabel[m.label] = append(c.byLabel[m.label], m)
	}
	c.projects = c.findProjects()
}

// own adds a problem of an Application's own object.
func (c *check) own(m *Member, rule, field, message, hint string) {
	c.add(m.home(), m.Object, rule, field, message, hint, m)
}

// of adds a problem of an object that a member states.
func (c *check) of(m *Member, o *manifest.Object, rule, field, message, hint string) {
	c.add(m, o, rule, field, message, hint, m)
}

func (c *check) add(files *Member, o *manifest.Object, rule, field, message, hint string, concerned ...*Member) {
	p := Problem{Problem: validate.Problem{Rule: rule, Object: o, Path: field, Message: message, Hint: hint}, Of: files}
	for _, m := range concerned {
		if m != nil && m.App != nil {
			p.Applications = append(p.Applications, m.App.Name)
		}
	}
	c.problems = append(c.problems, p)
}
