package references

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/validate"
)

// A made is something that will be there: an object that is rendered, or one that
// a controller makes because of one that is.
type made struct {
	by   *manifest.Object
	part int
	// namespace is that of the object, "" if it has none, or if it is not known.
	namespace string
	body      field           // of a rendered one, else zero
	keys      map[string]bool // of data; nil if they are not known
}

// A place is where something is looked for.
type place struct {
	kind            schema.GroupKind
	namespace, name string
}

// A space holds the names of one kind in one namespace.
type space struct {
	kind      schema.GroupKind
	namespace string
}

// everyNamespace is the namespace of what is made in each.
const everyNamespace = "*"

// A cluster is what goes to one of them.
type cluster struct {
	name   string
	kin    []*cluster // all that may be the same one, itself first
	made   map[place][]*made
	named  map[place][]*made  // without namespace
	spaces map[space][]string // names
	pods   map[string]*shelf  // by namespace
	svcs   map[string]*shelf
	kinds  map[schema.GroupKind]bool
	unseen map[string]bool // namespaces whose objects are not all known
	seen   map[string]bool // namespaces that something is rendered into
	makers makers
}

// A world is all that is known.
type world struct {
	parts    [][]*made // what each states
	drafts   []bool
	stated   []map[manifest.Key]bool
	clusters map[string]*cluster
	external *validate.Externals
	whole    bool
}

func newWorld(parts []Part) *world {
	w := &world{clusters: map[string]*cluster{}, stated: make([]map[manifest.Key]bool, len(parts))}
	w.cluster("")
	for i, part := range parts {
		c := w.cluster(part.Cluster)
		w.drafts = append(w.drafts, part.Draft)
		w.parts = append(w.parts, nil)
		if part.Unseen {
			c.unseen[part.Namespace] = true
			continue
		}
		c.seen[part.Namespace] = true
		for _, o := range part.Set {
			w.parts[i] = append(w.parts[i], w.state(c, i, o, part))
		}
		w.alternatives(i, part)
	}
	for _, c := range w.clusters {
		c.kin = w.kin(c)
		c.makers.grant()
	}
	return w
}

func (w *world) cluster(name string) *cluster {
	if w.clusters[name] == nil {
		w.clusters[name] = &cluster{
			name: name, made: map[place][]*made{}, named: map[place][]*made{}, spaces: map[space][]string{}, kinds: map[schema.GroupKind]bool{},
			pods: map[string]*shelf{}, svcs: map[string]*shelf{}, unseen: map[string]bool{}, seen: map[string]bool{}, makers: newMakers(),
		}
	}
	return w.clusters[name]
}

// kin are the clusters that may be the same as c: a name and an address may be of
// one, and what goes nowhere in particular may go anywhere.
func (w *world) kin(c *cluster) []*cluster {
	kin := []*cluster{c}
	for _, d := range w.clusters {
		if d != c && (c.name == "" || d.name == "" || isAddress(c.name) != isAddress(d.name)) {
			kin = append(kin, d)
		}
	}
	slices.SortFunc(kin[1:], func(a, b *cluster) int { return strings.Compare(a.name, b.name) })
	return kin
}

func isAddress(cluster string) bool { return strings.Contains(cluster, "://") }

// alternatives notes what an overlay states whose cluster is not known: two that
// state the same object are the same thing for two environments.
func (w *world) alternatives(i int, part Part) {
	if part.Cluster != "" || part.Namespace == "" {
		return
	}
	w.stated[i] = map[manifest.Key]bool{}
	for _, o := range part.Set {
		w.stated[i][nameless(o.Key)] = true
	}
}

func nameless(k manifest.Key) manifest.Key {
	k.Namespace = ""
	return k
}

// state takes over a rendered object, and what will be made because of it.
func (w *world) state(c *cluster, part int, o *manifest.Object, from Part) *made {
	m := &made{by: o, part: part, namespace: o.Key.Namespace, body: field{value: o.Body()}}
	if from.Cluster == "" && m.namespace == from.Namespace {
		m.namespace = ""
	}
	m.keys = keysOf(o, m.body)
	if from.Filled != nil && from.Filled(o) {
		m.keys = nil
	}
	kind := o.Key.GroupKind()
	c.kinds[kind] = true
	if m.namespace != "" {
		c.seen[m.namespace] = true
	}
	if kind == (schema.GroupKind{Kind: "Namespace"}) {
		c.seen[o.Key.Name] = true
	}
	if o.Key.Name != "" {
		c.add(kind, m.namespace, o.Key.Name, m)
	}
	c.shelve(m)
	c.stands(m)
	return m
}

// add notes that something of a name will be there.
func (c *cluster) add(kind schema.GroupKind, namespace, name string, m *made) {
	at := place{kind, namespace, name}
	if c.made[at] == nil {
		c.spaces[space{kind, namespace}] = append(c.spaces[space{kind, namespace}], name)
	}
	c.made[at] = append(c.made[at], m)
	c.named[place{kind, "", name}] = append(c.named[place{kind, "", name}], m)
}

// shelve notes what selectors may select.
func (c *cluster) shelve(m *made) {
	if template, ok := templateOf(m.by, m.body); ok {
		shelfOf(c.pods, m.namespace).add(&labelled{m, labelsOf(template), containerPorts(template)})
	}
	if m.by.Key.GroupKind() == kindService {
		l := &labelled{made: m, labels: m.by.Labels}
		for _, port := range m.body.each("spec", "ports") {
			if name := port.in("name").text(); name != "" {
				l.ports = append(l.ports, name)
			}
		}
		shelfOf(c.svcs, m.namespace).add(l)
	}
}

func shelfOf(shelves map[string]*shelf, namespace string) *shelf {
	if shelves[namespace] == nil {
		shelves[namespace] = &shelf{}
	}
	return shelves[namespace]
}

func labelsOf(template field) labels.Set {
	all := labels.Set{}
	set := template.in("metadata", "labels")
	for _, key := range set.keys() {
		all[key] = set.in(key).text()
	}
	return all
}

func containerPorts(template field) []string {
	var names []string
	for _, list := range []string{"containers", "initContainers"} {
		for _, container := range template.each("spec", list) {
			for _, port := range container.each("ports") {
				if name := port.in("name").text(); name != "" {
					names = append(names, name)
				}
			}
		}
	}
	return names
}

// find returns what a use may be of.
func (w *world) find(of *made, u *use, c *cluster) []*made {
	var found []*made
	for _, k := range c.kin {
		found = append(found, k.find(u)...)
	}
	return slices.DeleteFunc(found, func(m *made) bool { return w.alternative(of, m) })
}

func (c *cluster) find(u *use) []*made {
	switch {
	case clusterKinds[u.kind]:
		return c.made[place{u.kind, "", u.name}]
	case u.namespace == "":
		return c.named[place{u.kind, "", u.name}]
	}
	return slices.Concat(
		c.made[place{u.kind, u.namespace, u.name}], c.made[place{u.kind, everyNamespace, u.name}], c.made[place{u.kind, "", u.name}],
	)
}

// alternative says whether something is of a part that stands in the place of the
// one that refers to it: the overlay of another environment.
func (w *world) alternative(of, m *made) bool {
	return m.part != of.part && w.stated[of.part] != nil && w.stated[m.part] != nil && w.stated[m.part][nameless(of.by.Key)]
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
