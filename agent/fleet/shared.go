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
)

// maxShared is how many objects that two Applications have in common are told one by
// one. With more of them it is the Applications that are told.
const maxShared = 10

// twice looks for Applications of the same name, which are one object. One that states
// itself is told of by children.
func (c *check) twice() {
	for _, label := range c.labels() {
		for i, m := range c.byLabel[label] {
			if i == 0 {
				continue
			}
			if before := c.byLabel[label][i-1]; sameName(before, m) && !slices.Contains(m.parents, before) && !slices.Contains(before.parents, m) {
				c.own(m, validate.RuleApplicationTwice, "metadata.name",
					fmt.Sprintf("an Application of this name is stated at %s, too: there can be one in namespace %s", before.place(), m.App.Namespace), "give one of them another name")
			}
		}
	}
}

// A pairing is two Applications that state the same objects.
type pairing struct{ first, second *Member }

// shared looks for objects that two Applications state, and for those that one states
// twice.
func (c *check) shared() {
	for _, m := range c.Members {
		for _, d := range m.Repeated {
			kept := func(o *manifest.Object) bool {
				return o.Origin == d.Kept && o.Key.GroupKind() == d.Key.GroupKind() && o.Key.Name == d.Key.Name
			}
			if i := slices.IndexFunc(m.Set, kept); i >= 0 {
				o := m.Set[i]
				c.of(m, o, validate.RuleRepeatedObject, "", fmt.Sprintf("it is stated at %s, too; the last one counts", m.at(d.Dropped)), "leave one of them out")
			}
		}
	}
	c.repeatedLoose()
	pairs := map[pairing][]*manifest.Object{} // of the second
	for _, staters := range c.stated {
		for i, s := range staters {
			if first := firstOf(staters[:i], s); first != nil && !sameName(first.by, s.by) {
				pairs[pairing{first.by, s.by}] = append(pairs[pairing{first.by, s.by}], s.object)
			}
		}
	}
	for _, p := range slices.SortedFunc(maps.Keys(pairs), pairing.compare) {
		objects := pairs[p]
		slices.SortFunc(objects, func(a, b *manifest.Object) int { return a.Key.Compare(b.Key) })
		c.pair(p, objects)
	}
}

// repeatedLoose looks for objects that one file states twice, which nothing renders. In
// two files they may be for two clusters.
func (c *check) repeatedLoose() {
	type place struct {
		file string
		key  manifest.Key
	}
	first := map[place]*manifest.Object{}
	for _, o := range c.Loose {
		at := place{o.Origin.File, o.Key}
		if before := first[at]; before != nil && o.Key.Name != "" {
			c.of(nil, o, validate.RuleRepeatedObject, "", fmt.Sprintf("it is stated at %s, too; the last one counts", before.Origin), "leave one of them out")
		}
		first[at] = o
	}
}

func (p pairing) compare(q pairing) int {
	return cmp.Or(byName(p.first, q.first), byName(p.second, q.second))
}

// firstOf is the first of the same installation, nil if there is none.
func firstOf(before []stater, s stater) *stater {
	for i := range before {
		if before[i].by.label == s.by.label && before[i].by != s.by {
			return &before[i]
		}
	}
	return nil
}

func sameName(a, b *Member) bool { return nameOf(a.App) == nameOf(b.App) }

func (c *check) pair(p pairing, objects []*manifest.Object) {
	told := objects
	if len(objects) > maxShared {
		told = objects[:1]
	}
	for _, o := range told {
		at := c.statement(p.second, o)
		var theirs *manifest.Object
		for _, s := range c.stated[at] {
			if s.by == p.first {
				theirs = s.object
			}
		}
		text := fmt.Sprintf("%s states it at %s, and %s here, for the same cluster", c.whose(p.first), p.first.at(theirs.Origin), c.whose(p.second))
		if n := len(objects) - len(told); n > 0 {
			text += fmt.Sprintf("; so it is with %d more objects", n)
		}
		rule, hint := validate.RuleSharedObject, "an object is of one Application: leave it out of the other, or give it another name or namespace"
		if o.Key.GroupKind() == namespaceKind {
			rule, hint = validate.RuleNamespaceOwner, "let one Application state the Namespace, or make it with "+api.SyncOptionCreateNamespace
		}
		c.add(p.second, o, rule, "", text, hint, p.first, p.second)
	}
}

var namespaceKind = manifest.Key{Kind: "Namespace"}.GroupKind()

// namespaces looks for Namespaces whose labels and annotations two Applications manage.
func (c *check) namespaces() {
	managed := map[statement][]*Member{}
	for _, m := range c.apps {
		sync := m.App.Spec.SyncPolicy
		if sync == nil || sync.ManagedNamespaceMetadata == nil || m.App.Spec.Destination.Namespace == "" || !sync.Options().Has(api.SyncOptionCreateNamespace) {
			continue
		}
		at := statement{m.cluster, manifest.Key{Kind: "Namespace", Name: m.App.Spec.Destination.Namespace}}
		for _, s := range c.stated[at] {
			if s.by.label == m.label {
				c.managedAndStated(m, s)
			}
		}
		for _, other := range managed[at] {
			if other.label == m.label {
				c.managedTwice(m, other)
			}
		}
		managed[at] = append(managed[at], m)
	}
}

const metadataField = "spec.syncPolicy.managedNamespaceMetadata"

// managedAndStated compares what a Namespace is given with what another states of it:
// each of the two would write its own over that of the other, time and again.
func (c *check) managedAndStated(m *Member, s stater) {
	metadata := m.App.Spec.SyncPolicy.ManagedNamespaceMetadata
	odd := append(differing("label", metadata.Labels, s.object.Labels, false), differing("annotation", metadata.Annotations, s.object.Annotations, false)...)
	if len(odd) == 0 {
		return
	}
	by := "it states the Namespace itself"
	if s.by != m {
		by = c.whose(s.by) + " states the Namespace"
	}
	c.own(m, validate.RuleNamespaceOwner, metadataField, fmt.Sprintf("%s, at %s, with another %s: each undoes the other", by, s.by.at(s.object.Origin), strings.Join(odd, ", ")),
		"say it in one of the two places")
}

func (c *check) managedTwice(m, other *Member) {
	ours, theirs := m.App.Spec.SyncPolicy.ManagedNamespaceMetadata, other.App.Spec.SyncPolicy.ManagedNamespaceMetadata
	odd := append(differing("label", ours.Labels, theirs.Labels, true), differing("annotation", ours.Annotations, theirs.Annotations, true)...)
	if len(odd) > 0 {
		c.own(m, validate.RuleNamespaceOwner, metadataField, fmt.Sprintf("%s manages those of Namespace %s, too, with another %s: each undoes the other",
			c.whose(other), m.App.Spec.Destination.Namespace, strings.Join(odd, ", ")), "say the same in both, or in one only")
	}
}

// differing names the keys of two maps that have another value in the other one. Whole
// says that what only one of them has is another, too: the later writer removes it.
func differing(what string, a, b map[string]string, whole bool) (odd []string) {
	for key, value := range a {
		if other, ok := b[key]; ok && other != value || !ok && whole {
			odd = append(odd, what+" "+key)
		}
	}
	for key := range b {
		if _, ok := a[key]; !ok && whole {
			odd = append(odd, what+" "+key)
		}
	}
	slices.Sort(odd)
	return odd
}
