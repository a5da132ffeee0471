package window

import (
	"fmt"
	"slices"

	"github.com/gobwas/glob"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/tidelock-io/tidelock/agent/api"
)

// maxPattern bounds a glob, in bytes.
const maxPattern = 4096

// A Target is what windows know of an Application.
type Target struct {
	// Application is its name, without its namespace.
	Application string
	// Namespace, Cluster and Server are the destination's, as the Application writes
	// them. A cluster that it names is not matched by the server's address, nor the
	// other way round.
	Namespace, Cluster, Server string
}

// TargetOf returns an Application's target.
func TargetOf(app *api.Application) Target {
	d := app.Spec.Destination
	return Target{Application: app.Name, Namespace: d.Namespace, Cluster: d.Name, Server: d.Server}
}

// For returns the windows that match an Application.
func (s *Schedule) For(app Target) *Windows {
	return collect(s.windows, func(w *window) bool { return w.selector.matches(app) })
}

// All returns all windows of the project.
func (s *Schedule) All() *Windows {
	return collect(s.windows, func(*window) bool { return true })
}

// A selector says which Applications a window is for.
type selector struct {
	applications, namespaces, clusters []*glob.Pattern
	// and requires a match in each of the lists that are set, in place of any.
	and bool
}

func (c *compiler) selector(from *api.SyncWindow, p *field.Path) selector {
	return selector{
		applications: c.globs(from.Applications, p.Child("applications")),
		namespaces:   c.globs(from.Namespaces, p.Child("namespaces")),
		clusters:     c.globs(from.Clusters, p.Child("clusters")),
		and:          from.UseAndOperator,
	}
}

func (c *compiler) globs(texts []string, p *field.Path) []*glob.Pattern {
	list := make([]*glob.Pattern, len(texts))
	for i, text := range texts {
		var err error
		if len(text) > maxPattern {
			err = fmt.Errorf("longer than %d bytes", maxPattern)
		} else if list[i], err = glob.Compile(text); err != nil {
			err = fmt.Errorf("not a glob: %w", err)
		}
		c.check(p.Index(i), text, err)
	}
	return list
}

func (s *selector) empty() bool {
	return len(s.applications)+len(s.namespaces)+len(s.clusters) == 0
}

// matches reports a match. A selector without lists matches nothing.
func (s *selector) matches(t Target) bool {
	lists := []struct {
		set, matches bool
	}{
		{len(s.applications) > 0, anyMatches(s.applications, t.Application)},
		{len(s.namespaces) > 0, anyMatches(s.namespaces, t.Namespace)},
		{len(s.clusters) > 0, t.Cluster != "" && anyMatches(s.clusters, t.Cluster) || t.Server != "" && anyMatches(s.clusters, t.Server)},
	}
	matched := false
	for _, l := range lists {
		if s.and && l.set && !l.matches {
			return false
		}
		matched = matched || l.matches
	}
	return matched
}

func anyMatches(globs []*glob.Pattern, name string) bool {
	return slices.ContainsFunc(globs, func(g *glob.Pattern) bool { return g.Match(name) })
}
