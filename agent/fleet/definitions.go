package fleet

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/validate"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A home is where something lives: a Namespace, or a kind, of one cluster of one
// installation.
type home struct {
	label, cluster string
	of             manifest.Key // of the object that makes it
	kind           schema.GroupKind
}

// definitions looks for objects whose kind, or whose Namespace, is another
// Application's: it has to come first. Without any order the first sync fails, and a
// later try succeeds; against the order none does.
func (c *check) definitions() {
	makers := map[home][]stater{}
	for _, m := range c.apps {
		for _, o := range m.Set {
			if at, ok := c.homeMadeBy(m, o); ok {
				makers[at] = append(makers[at], stater{m, o})
			}
		}
	}
	if len(makers) == 0 {
		return
	}
	users := map[home][]stater{} // the first object of each Application
	for _, m := range c.apps {
		c.usesOf(m, makers, users)
	}
	s := c.sequence()
	after := map[*Member]map[*Member]bool{}
	later := func(m *Member) map[*Member]bool {
		if after[m] == nil {
			after[m] = s.after(m)
		}
		return after[m]
	}
	for _, at := range slices.SortedFunc(maps.Keys(users), home.compare) {
		c.inOrder(at, makers[at], users[at], later)
	}
}

func (h home) compare(g home) int {
	return cmp.Or(strings.Compare(h.label, g.label), strings.Compare(h.cluster, g.cluster), strings.Compare(h.kind.String(), g.kind.String()), h.of.Compare(g.of))
}

// homeMadeBy is what a Namespace or a CustomResourceDefinition makes.
func (c *check) homeMadeBy(m *Member, o *manifest.Object) (home, bool) {
	if kind := o.Defines(); kind != (schema.GroupKind{}) {
		return home{label: m.label, cluster: m.cluster, kind: kind}, true
	}
	return home{label: m.label, cluster: m.cluster, of: o.Key}, o.Key.GroupKind() == namespaceKind
}

// usesOf notes the first object of a member in each place that another makes.
func (c *check) usesOf(m *Member, makers, users map[home][]stater) {
	seen := map[home]bool{}
	note := func(at home, o *manifest.Object) {
		if seen[at] || len(makers[at]) == 0 {
			return
		}
		seen[at] = true
		own := slices.ContainsFunc(makers[at], func(s stater) bool { return s.by == m })
		if !own {
			users[at] = append(users[at], stater{m, o})
		}
	}
	creates := m.App.Spec.SyncPolicy.Options().Has(api.SyncOptionCreateNamespace)
	for _, o := range m.Set {
		if !skipsDryRun(m, o) {
			note(home{label: m.label, cluster: m.cluster, kind: o.Key.GroupKind()}, o)
		}
		if ns := o.Key.Namespace; ns != "" && (!creates || ns != m.App.Spec.Destination.Namespace) {
			note(home{label: m.label, cluster: m.cluster, of: manifest.Key{Kind: "Namespace", Name: ns}}, o)
		}
	}
}

// skipsDryRun says that it is known that a kind may not be there yet.
func skipsDryRun(m *Member, o *manifest.Object) bool {
	return m.App.Spec.SyncPolicy.Options().Has(api.SyncOptionSkipDryRunOnMissingResource) ||
		api.ParseSyncOptions(o.Annotations[api.AnnotationSyncOptions]).Has(api.SyncOptionSkipDryRunOnMissingResource)
}

// inOrder compares those who use a place with those who make it.
func (c *check) inOrder(at home, makers, users []stater, later func(*Member) map[*Member]bool) {
	var loose []stater
	for _, u := range users {
		ordered, against := false, true
		for _, maker := range makers {
			ordered = ordered || later(maker.by)[u.by] || slices.Contains(u.by.parents, maker.by)
			against = against && later(u.by)[maker.by]
		}
		switch {
		case ordered:
		case against:
			c.against(at, makers[0], u)
		case at.kind != (schema.GroupKind{}):
			loose = append(loose, u)
		}
	}
	if len(loose) == 0 {
		return
	}
	first, maker := loose[0], makers[0]
	text := fmt.Sprintf("its kind is defined by %s, at %s, and nothing says that this comes first: a sync before it fails", c.whose(maker.by), maker.by.at(maker.object.Origin))
	var concerned []*Member
	var others []string
	for i, u := range loose {
		concerned = append(concerned, u.by)
		if i > 0 {
			others = append(others, c.shownName(u.by.App))
		}
	}
	if len(others) > 0 {
		text += "; so it is in Application " + some(others)
	}
	c.add(first.by, first.object, validate.RuleDefinitionOrder, "kind", text,
		fmt.Sprintf("annotate Application %s with %s: %s", c.shownName(first.by.App), api.AnnotationDependsOn, c.shownName(maker.by.App)), concerned...)
}

// against tells of an order that is the wrong way round.
func (c *check) against(at home, maker, user stater) {
	field, what := "metadata.namespace", "its Namespace is stated"
	if at.kind != (schema.GroupKind{}) {
		field, what = "kind", "its kind is defined"
	}
	c.add(user.by, user.object, validate.RuleWaveOrder, field,
		fmt.Sprintf("%s by %s, at %s, which waits for Application %s (%s) to be healthy: neither comes first", what, c.whose(maker.by),
			maker.by.at(maker.object.Origin), c.shownName(user.by.App), user.by.place()), "turn the order round: see annotation "+api.AnnotationDependsOn+" and the waves of the Applications", user.by, maker.by)
}
