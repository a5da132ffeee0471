package project

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// kinds is a whitelist and a blacklist for one scope.
type kinds struct {
	permit, deny []kind
	// all permits every kind that is not denied: there is no whitelist.
	all bool
}

// A kind is one entry of a list of kinds. The names of objects are matched only if named.
type kind struct {
	group, kind, name word
	named             bool
	path              string
}

func (k *kind) matches(key manifest.Key) bool {
	return k.kind.matches(key.Kind) && k.group.matches(key.Group) && (!k.named || k.name.matches(key.Name))
}

// clusterKinds reads the lists for cluster-scoped kinds: no whitelist permits none.
func (c *compiler) clusterKinds(spec *api.AppProjectSpec, p *field.Path) kinds {
	return kinds{
		permit: c.namedKinds(spec.ClusterResourceWhitelist, p.Child("clusterResourceWhitelist")),
		deny:   c.namedKinds(spec.ClusterResourceBlacklist, p.Child("clusterResourceBlacklist")),
	}
}

// spaceKinds reads the lists for namespaced kinds: no whitelist permits all, an empty one
// none.
func (c *compiler) spaceKinds(spec *api.AppProjectSpec, p *field.Path) kinds {
	return kinds{
		permit: c.kinds(spec.NamespaceResourceWhitelist, p.Child("namespaceResourceWhitelist")),
		deny:   c.kinds(spec.NamespaceResourceBlacklist, p.Child("namespaceResourceBlacklist")),
		all:    spec.NamespaceResourceWhitelist == nil,
	}
}

func (c *compiler) kinds(entries []metav1.GroupKind, p *field.Path) []kind {
	named := make([]api.ClusterResource, len(entries))
	for i, e := range entries {
		named[i] = api.ClusterResource{Group: e.Group, Kind: e.Kind}
	}
	return c.namedKinds(named, p)
}

func (c *compiler) namedKinds(entries []api.ClusterResource, p *field.Path) []kind {
	list := make([]kind, len(entries))
	for i, e := range entries {
		p := p.Index(i)
		list[i] = kind{
			group: c.word(e.Group, p.Child("group")),
			kind:  c.word(e.Kind, p.Child("kind")),
			name:  c.word(e.Name, p.Child("name")),
			named: e.Name != "",
			path:  p.String(),
		}
	}
	return list
}

// Object judges one object: its kind by the lists of its scope and, if it is namespaced,
// its namespace as a destination.
//
// The scope is the cluster's word (discovery, or a CustomResourceDefinition of the same
// set), never the manifest's: a ClusterRole that names a namespace is cluster-scoped. An
// object in the default namespace of its Application has that in its key. See Destination
// for dest.
func (r *Rules) Object(key manifest.Key, namespaced bool, dest api.Destination) Verdict {
	if !namespaced {
		return r.kind(&r.clusterKinds, "spec.clusterResourceWhitelist", key)
	}
	if v := r.kind(&r.spaceKinds, "spec.namespaceResourceWhitelist", key); !v.Allowed {
		return v
	}
	return r.Destination(dest, key.Namespace)
}

// Live judges an object that was read from a cluster, where only namespaced ones have a
// namespace.
func (r *Rules) Live(key manifest.Key, dest api.Destination) Verdict {
	return r.Object(key, key.Namespace != "", dest)
}

func (r *Rules) kind(k *kinds, whitelist string, key manifest.Key) Verdict {
	if i := slices.IndexFunc(k.deny, func(e kind) bool { return e.matches(key) }); i >= 0 {
		return r.refusef("%s denies %s: narrow the entry, or leave the object out", k.deny[i].path, shownKind(key, k.deny[i].named))
	}
	if k.all || slices.ContainsFunc(k.permit, func(e kind) bool { return e.matches(key) }) {
		return allowed
	}
	entry := fmt.Sprintf("group: %s, kind: %s", shownGroup(key.Group), shown(key.Kind))
	named := slices.ContainsFunc(k.permit, func(e kind) bool { return e.kind.matches(key.Kind) && e.group.matches(key.Group) })
	if named {
		entry += ", name: " + shown(key.Name)
	}
	return r.refusef("%s permits no %s: add {%s}", whitelist, shownKind(key, named), entry)
}

// shownKind names the kind, and the object too if it depends on that.
func shownKind(key manifest.Key, named bool) string {
	if named {
		return shown(key.Kind) + " " + shown(key.Name)
	}
	return shown(key.Kind)
}
