package cluster

import "k8s.io/client-go/dynamic"

// Within has the watches follow the objects of one namespace only, beside those
// that are in none: for a command of a person who may not list those of all. It
// is to be called before the first Watch.
func (c *Cluster) Within(namespace string) { c.namespace = namespace }

// within reaches the objects of a kind that are followed.
func (c *Cluster) within(kind Kind) dynamic.ResourceInterface {
	if c.namespace == "" || !kind.Namespaced {
		return c.dynamic.Resource(kind.Resource)
	}
	return c.dynamic.Resource(kind.Resource).Namespace(c.namespace)
}
