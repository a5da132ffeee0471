package depend

import (
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"k8s.io/apimachinery/pkg/types"
)

// A Circle is Applications each of which waits for the next, and the last for
// the first.
type Circle []Step

// A Step is one Application of a Circle, and why it waits for the next.
type Step struct {
	Name types.NamespacedName
	// Child: it does not depend on the next, but has it as a child, whose health
	// counts as its own.
	Child bool
}

// String names the whole circle: "argocd/a depends on argocd/b, which depends on
// argocd/a".
func (c Circle) String() string {
	var b strings.Builder
	for i, step := range c {
		word := " depends on "
		if step.Child {
			word = " has the child "
		}
		if i == 0 {
			b.WriteString(step.Name.String())
		} else {
			b.WriteString(", which")
		}
		b.WriteString(word + c[(i+1)%len(c)].Name.String())
	}
	return b.String()
}

// Members lists the names in a circle, each once.
func (c Circle) Members() []types.NamespacedName {
	var names []types.NamespacedName
	for _, step := range c {
		if !slices.Contains(names, step.Name) {
			names = append(names, step.Name)
		}
	}
	return names
}

// A node is an Application on a way, and whether the way to it has a dependency
// in it: children alone gate nothing, and an Application may state itself.
type node struct {
	name    types.NamespacedName
	depends bool
}

// Round returns the shortest circle of dependencies through an Application, nil
// if there is none. A parent counts as waiting for its children, for their
// health is its own.
func Round(app *api.Application, agentNamespace string, find Finder) Circle {
	start := node{name: types.NamespacedName{Namespace: app.Namespace, Name: app.Name}}
	end := node{start.name, true}
	from := map[node]node{start: start}
	steps := map[node]Step{} // by which each node was reached
	for queue := []node{start}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		for _, next := range edges(at.name, agentNamespace, find) {
			to := node{next.Name, at.depends || !next.Child}
			if _, seen := from[to]; seen {
				continue
			}
			from[to], steps[to] = at, Step{at.name, next.Child}
			if to == end {
				return circle(end, start, from, steps)
			}
			queue = append(queue, to)
		}
	}
	return nil
}

func circle(at, start node, from map[node]node, steps map[node]Step) (c Circle) {
	for ; at != start; at = from[at] {
		c = append(c, steps[at])
	}
	slices.Reverse(c)
	return c
}

// edges lists what an Application waits for: here a Step is the next one, and
// how the Application is tied to it.
func edges(name types.NamespacedName, agentNamespace string, find Finder) (next []Step) {
	app := find(name)
	if app == nil {
		return nil
	}
	list, err := On(app)
	if err != nil {
		return nil // it waits for nothing, and says so
	}
	visible := Visible(app, agentNamespace, find)
	for _, name := range list {
		if visible(name) != nil {
			next = append(next, Step{Name: name})
		}
	}
	if !app.Status.Summary.IsAppOfApps {
		return next
	}
	for _, r := range app.Status.Resources {
		child := types.NamespacedName{Namespace: r.Namespace, Name: r.Name}
		if r.Group == api.GroupVersion.Group && r.Kind == "Application" && !r.Hook && child != name {
			next = append(next, Step{child, true})
		}
	}
	return next
}
