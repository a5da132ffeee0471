package project

import (
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/tidelock-io/tidelock/agent/api"
)

// A destination is one entry of spec.destinations.
type destination struct {
	server, name, namespace pattern
	path                    string
}

func (c *compiler) destinations(entries []api.Destination, p *field.Path) []destination {
	list := make([]destination, len(entries))
	for i, d := range entries {
		p := p.Index(i)
		list[i] = destination{
			server:    c.pattern(d.Server, p.Child("server")),
			name:      c.pattern(d.Name, p.Child("name")),
			namespace: c.pattern(d.Namespace, p.Child("namespace")),
			path:      p.String(),
		}
	}
	return list
}

// ownCluster returns what a cluster's Secret permits to its project.
func ownCluster(c Cluster) []destination {
	server, nobody := literal(c.Server), literal("")
	if len(c.Namespaces) == 0 {
		return []destination{{server: server, name: nobody, namespace: pattern{any: true}}}
	}
	list := make([]destination, len(c.Namespaces))
	for i, namespace := range c.Namespaces {
		list[i] = destination{server: server, name: nobody, namespace: literal(namespace)}
	}
	return list
}

// judge says whether the entry permits a place, or denies it whatever the others permit.
//
// The cases are Argo CD's, odd as they are: a denied name refuses whatever the namespace
// is, a denied server only in the entry's namespaces, a denied namespace only on the
// entry's server, not on its name.
func (d *destination) judge(server, name, namespace string) (permits, denies bool) {
	byName := name != "" && d.name.matches(name)
	byServer := server != "" && d.server.matches(server)
	inNamespace := d.namespace.matches(namespace)
	switch {
	case (byServer || byName) && inNamespace:
		return true, false
	case d.name.deny && !byName:
		return false, true
	case inNamespace:
		return false, d.server.deny
	default:
		return false, d.namespace.deny && byServer
	}
}

// Destination judges a namespace of a cluster against spec.destinations, and against
// spec.permitOnlyProjectScopedClusters if that is set. Both dest.Server and dest.Name are
// needed, as the cluster's Secret has them (see [api.Destination.Resolved] for the agent's
// own cluster); dest.Namespace does not count. The namespace of an Application that names
// none is empty.
func (r *Rules) Destination(dest api.Destination, namespace string) Verdict {
	permitted := false
	for i := range r.destinations {
		permits, denies := r.destinations[i].judge(dest.Server, dest.Name, namespace)
		if denies {
			return r.refusef("%s denies namespace %s on cluster %s: narrow the denial, or use another destination",
				r.destinations[i].path, shown(namespace), shownCluster(dest))
		}
		permitted = permitted || permits
	}
	if !permitted {
		return r.refuseDestination(dest, namespace)
	}
	return r.ownClusters(dest)
}

func (r *Rules) refuseDestination(dest api.Destination, namespace string) Verdict {
	if dest.Server == "" && dest.Name == "" {
		return r.refusef("spec.destinations cannot permit a cluster that is not known")
	}
	remedy := "server: " + shown(dest.Server)
	if dest.Server == "" {
		remedy = "name: " + shown(dest.Name)
	}
	return r.refusef("spec.destinations permits no namespace %s on cluster %s: add {%s, namespace: %s}",
		shown(namespace), shownCluster(dest), remedy, shown(namespace))
}

// ownClusters judges the cluster alone, by whether it is bound to the project.
func (r *Rules) ownClusters(dest api.Destination) Verdict {
	if r.scoped == nil || slices.ContainsFunc(*r.scoped, func(c Cluster) bool {
		return c.Server != "" && c.Server == dest.Server || c.Name != "" && c.Name == dest.Name
	}) {
		return allowed
	}
	return r.refusef("spec.permitOnlyProjectScopedClusters permits only the project's own clusters, and cluster %s is none: set project: %s in its Secret",
		shownCluster(dest), shown(r.name))
}

func shownCluster(dest api.Destination) string {
	if dest.Name != "" {
		return shown(dest.Name)
	}
	return shown(dest.Server)
}
