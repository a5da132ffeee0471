package fleet

import (
	"maps"
	"slices"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/plan"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// A statement is an object of a cluster.
type statement struct {
	cluster string
	key     manifest.Key
}

// A stater is who states it.
type stater struct {
	by     *Member
	object *manifest.Object
}

// index finds out who states what, in the order of the Applications' names.
func (c *check) index() {
	c.stated, c.classes, c.defined = map[statement][]stater{}, map[statement]*stater{}, c.Loose.Defines()
	for _, m := range c.Members {
		maps.Copy(c.defined, m.Set.Defines())
	}
	for _, m := range c.apps {
		for _, o := range applied(m.Set) {
			if o.Key.Name == "" {
				continue
			}
			at := c.statement(m, o)
			c.stated[at] = append(c.stated[at], stater{m, o})
			if o.Key.Kind == "StorageClass" {
				c.classes[at] = &stater{m, o}
			}
		}
	}
	for _, set := range append([]manifest.Set{c.Loose}, sets(c.Members)...) {
		for _, o := range set {
			if isSet(o) {
				c.sets = append(c.sets, o)
			}
		}
	}
}

func sets(members []*Member) (all []manifest.Set) {
	for _, m := range members {
		all = append(all, m.Set)
	}
	return all
}

// statement is an object's, which has no namespace if the definition of its kind is here
// and says so: its own Application may not have known.
func (c *check) statement(m *Member, o *manifest.Object) statement {
	key := o.Key
	if namespaced, ok := c.defined[key.GroupKind()]; ok && !namespaced {
		key.Namespace = ""
	}
	return statement{m.cluster, key}
}

// applied are the objects of a set that a sync makes, be it the first or a later one,
// hooks among them.
func applied(set manifest.Set) manifest.Set {
	if !slices.ContainsFunc(set, func(o *manifest.Object) bool { return api.IsHook(o.Annotations) }) {
		return set
	}
	objects, hooks := plan.Split(set, false)
	_, later := plan.Split(set, true)
	all := slices.Clone(objects)
	for _, h := range append(hooks, later...) {
		if !slices.Contains(all, h.Object) {
			all = append(all, h.Object)
		}
	}
	return all
}
