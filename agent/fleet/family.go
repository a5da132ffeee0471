package fleet

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
	"k8s.io/apimachinery/pkg/types"
)

func byName(a, b *Member) int {
	return cmp.Or(strings.Compare(a.App.Namespace, b.App.Namespace), strings.Compare(a.App.Name, b.App.Name),
		strings.Compare(a.Object.Origin.File, b.Object.Origin.File), cmp.Compare(a.Object.Origin.Line, b.Object.Origin.Line))
}

func nameOf(app *api.Application) types.NamespacedName {
	return types.NamespacedName{Namespace: app.Namespace, Name: app.Name}
}

// shownName leaves the agent's own namespace out.
func (c *check) shownName(app *api.Application) string {
	if app.Namespace == c.Namespace {
		return app.Name
	}
	return app.Namespace + "/" + app.Name
}

// whose names an Application, and where it is stated.
func (c *check) whose(m *Member) string {
	return "Application " + c.shownName(m.App) + " (" + m.place() + ")"
}

func isApplication(o *manifest.Object) bool {
	return o.Key.Group == api.Group && o.Key.Kind == api.ApplicationKind
}

// family finds the parents of each member: those that state its object, or one from the
// same lines. Whose object it is comes first.
func (c *check) family() {
	stated := map[types.NamespacedName][]stater{}
	for _, m := range c.Members {
		m.parents, m.children = nil, false
		for _, o := range m.Set {
			if isApplication(o) {
				m.children = true
				name := types.NamespacedName{Namespace: o.Key.Namespace, Name: o.Key.Name}
				stated[name] = append(stated[name], stater{m, o})
			}
		}
	}
	for _, m := range c.Members {
		if m.App == nil {
			continue
		}
		for _, s := range stated[nameOf(m.App)] {
			switch {
			case s.object == m.Object:
				m.parents = slices.Insert(m.parents, 0, s.by)
			case s.object.Origin == m.Object.Origin && s.by != m:
				m.parents = append(m.parents, s.by)
			}
		}
	}
}

// roots are the members that state it in the end: itself if nothing does.
func (m *Member) roots() []*Member {
	var roots []*Member
	seen := map[*Member]bool{m: true}
	for queue := []*Member{m}; len(queue) > 0; queue = queue[1:] {
		at, above := queue[0], false
		for _, parent := range at.parents {
			above = above || parent != at
			if !seen[parent] {
				seen[parent] = true
				queue = append(queue, parent)
			}
		}
		if !above {
			roots = append(roots, at)
		}
	}
	if len(roots) == 0 { // they state each other
		return []*Member{m}
	}
	return roots
}

// agentNamespace is where the AppProjects are, or else most Applications.
func (c *check) agentNamespace() string {
	counts := map[string]int{}
	count := func(o *manifest.Object) {
		switch {
		case o.Key.Group != api.Group || o.Key.Namespace == "":
		case o.Key.Kind == api.AppProjectKind:
			counts[o.Key.Namespace] += len(c.Members) + 1
		case o.Key.Kind == api.ApplicationKind:
			counts[o.Key.Namespace]++
		}
	}
	for _, o := range c.Loose {
		count(o)
	}
	for _, m := range c.Members {
		for _, o := range m.Set {
			count(o)
		}
		if m.App != nil {
			counts[m.App.Namespace]++
		}
	}
	most := usualNamespace
	for namespace, n := range counts {
		if n > counts[most] || n == counts[most] && most != usualNamespace && namespace < most {
			most = namespace
		}
	}
	return most
}

// usualNamespace is the agent's own, if nothing else is said.
const usualNamespace = "argocd"
