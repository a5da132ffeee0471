package fleet

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/depend"
	"github.com/tidelock-io/tidelock/render/validate"
	"k8s.io/apimachinery/pkg/types"
)

// named returns the Application of a name in the installation of another, nil if there
// is none.
func (c *check) named(m *Member, name types.NamespacedName) *Member {
	list := c.byLabel[m.label]
	i, ok := slices.BinarySearchFunc(list, name, func(other *Member, name types.NamespacedName) int {
		if d := strings.Compare(other.App.Namespace, name.Namespace); d != 0 {
			return d
		}
		return strings.Compare(other.App.Name, name.Name)
	})
	if !ok {
		return nil
	}
	return list[i]
}

// dependencies looks at what Applications wait for: whether it is there, and whether
// they wait for one another.
func (c *check) dependencies() {
	for _, m := range c.apps {
		if m.App.Annotations[api.AnnotationDependsOn] == "" {
			continue
		}
		list, err := depend.On(m.App)
		if err != nil {
			c.own(m, validate.RuleApplication, annotation(api.AnnotationDependsOn), strings.TrimPrefix(err.Error(), depend.ErrList.Error()+": "), "until it can be read nothing is synced")
			continue
		}
		for _, name := range list {
			c.dependency(m, name)
		}
	}
	for _, label := range c.labels() {
		c.rounds(label)
	}
}

// dependency looks whether there is what one waits for, and whether it may be waited for.
func (c *check) dependency(m *Member, name types.NamespacedName) {
	other := c.named(m, name)
	switch {
	case other == nil && c.elsewhere(name, m), other == nil && c.generates(""):
	case other == nil:
		c.own(m, validate.RuleUnknownDependency, annotation(api.AnnotationDependsOn), fmt.Sprintf("it waits for Application %s, which no file here states", name), c.namedLike(name))
	case depend.Visible(m.App, c.Namespace, func(types.NamespacedName) *api.Application { return other.App })(name) == nil:
		c.own(m, validate.RuleUnknownDependency, annotation(api.AnnotationDependsOn), fmt.Sprintf("it waits for %s, which is in another namespace and of another project: it is not seen, and this waits for ever", c.whose(other)),
			"depend on Applications of the same project or namespace")
	}
}

// elsewhere says that an Application of a name is of another installation.
func (c *check) elsewhere(name types.NamespacedName, m *Member) bool {
	return m.label == "" && slices.ContainsFunc(c.apps, func(other *Member) bool { return nameOf(other.App) == name })
}

// namedLike is the Application that was most likely meant.
func (c *check) namedLike(name types.NamespacedName) string {
	var names []string
	for _, m := range c.apps {
		if m.App.Name == name.Name {
			return fmt.Sprintf("did you mean %s?", nameOf(m.App))
		}
		names = append(names, m.App.Name)
	}
	slices.Sort(names)
	if near := api.Nearest(name.Name, slices.Compact(names)); near != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	return "it may be stated elsewhere: then silence this"
}

// rounds tells of Applications of one installation that wait for each other.
func (c *check) rounds(label string) {
	apps := map[types.NamespacedName]*api.Application{}
	edges := map[types.NamespacedName][]types.NamespacedName{}
	waits := false
	for _, m := range c.byLabel[label] {
		app := m.asLive()
		name := nameOf(app)
		apps[name] = app
		list := c.dependsOn(m)
		waits = waits || len(list) > 0
		for _, r := range app.Status.Resources {
			list = append(list, types.NamespacedName{Namespace: r.Namespace, Name: r.Name})
		}
		edges[name] = list
	}
	if !waits {
		return
	}
	told := map[types.NamespacedName]bool{}
	find := func(name types.NamespacedName) *api.Application { return apps[name] }
	for _, group := range circular(edges) {
		for _, name := range group {
			if told[name] || apps[name] == nil {
				continue
			}
			if circle := depend.Round(apps[name], c.Namespace, find); len(circle) > 0 {
				c.circle(label, circle)
				for _, member := range circle.Members() {
					told[member] = true
				}
			}
		}
	}
}

// asLive is an Application as the agent has it when it has looked at its children.
func (m *Member) asLive() *api.Application {
	app := *m.App
	app.Status = api.ApplicationStatus{}
	for _, o := range m.Set {
		if isApplication(o) {
			app.Status.Summary.IsAppOfApps = true
			app.Status.Resources = append(app.Status.Resources, api.ResourceStatus{Group: o.Key.Group, Kind: o.Key.Kind, Namespace: o.Key.Namespace, Name: o.Key.Name})
		}
	}
	return &app
}

// circle is told once, at the first member that names the next in its annotation.
func (c *check) circle(label string, circle depend.Circle) {
	var at *Member
	var places []string
	for _, step := range circle {
		m := c.named(&Member{label: label}, step.Name)
		if m == nil {
			continue
		}
		if at == nil && !step.Child {
			at = m
		}
		places = append(places, step.Name.Name+" is at "+m.place())
	}
	if at == nil {
		return
	}
	c.own(at, validate.RuleDependencyCycle, annotation(api.AnnotationDependsOn),
		fmt.Sprintf("dependencies go round, so that none of these begins a sync: %s; %s", circle, strings.Join(places, ", ")), "take one of them out")
}

// circular finds the groups of names that lead to each other (Tarjan's strongly
// connected components), each in order, without those of one that does not lead to
// itself.
func circular(edges map[types.NamespacedName][]types.NamespacedName) (groups [][]types.NamespacedName) {
	t := &components{edges: edges, index: map[types.NamespacedName]int{}, low: map[types.NamespacedName]int{}, on: map[types.NamespacedName]bool{}}
	for _, name := range slices.SortedFunc(maps.Keys(edges), compareNames) {
		if _, seen := t.index[name]; !seen {
			t.visit(name)
		}
	}
	return t.groups
}

func compareNames(a, b types.NamespacedName) int { return strings.Compare(a.String(), b.String()) }

type components struct {
	edges      map[types.NamespacedName][]types.NamespacedName
	index, low map[types.NamespacedName]int
	on         map[types.NamespacedName]bool
	stack      []types.NamespacedName
	groups     [][]types.NamespacedName
}

func (t *components) visit(name types.NamespacedName) {
	t.index[name], t.low[name] = len(t.index), len(t.index)
	t.stack, t.on[name] = append(t.stack, name), true
	self := false
	for _, next := range t.edges[name] {
		self = self || next == name
		if _, seen := t.index[next]; !seen {
			t.visit(next)
			t.low[name] = min(t.low[name], t.low[next])
		} else if t.on[next] {
			t.low[name] = min(t.low[name], t.index[next])
		}
	}
	if t.low[name] < t.index[name] {
		return
	}
	i := slices.Index(t.stack, name)
	group := slices.Clone(t.stack[i:])
	for _, member := range group {
		t.on[member] = false
	}
	t.stack = t.stack[:i]
	if len(group) > 1 || self {
		slices.SortFunc(group, compareNames)
		t.groups = append(t.groups, group)
	}
}
