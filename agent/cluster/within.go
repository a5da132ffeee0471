package cluster

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Bounds are the part of a cluster that may be reached. The zero value is all of it.
type Bounds struct {
	// Namespaces are those whose objects may be reached; none is all.
	Namespaces []string
	// Clusterwide says, where there are Namespaces, that objects which are in none may
	// be reached, too.
	Clusterwide bool
}

// ErrOutside says that an object is out of bounds.
var ErrOutside = errors.New("out of bounds")

// Outside says why an object is out of bounds: one of a namespaced kind in this
// namespace, or of another kind. It returns nil, or ErrOutside.
func (b Bounds) Outside(namespace string, namespaced bool) error {
	switch {
	case len(b.Namespaces) == 0, namespaced && slices.Contains(b.Namespaces, namespace), !namespaced && b.Clusterwide:
		return nil
	case namespaced:
		return fmt.Errorf("%w: namespace %q is none of those that the agent is confined to: %s", ErrOutside, namespace, strings.Join(b.Namespaces, ", "))
	}
	return fmt.Errorf("%w: the agent is confined to namespaces %s, and the object is in none", ErrOutside, strings.Join(b.Namespaces, ", "))
}

// namespaces are those that objects of a kind are listed in, one by one; "" is all, or
// none.
func (b Bounds) namespaces(namespaced bool) []string {
	switch {
	case len(b.Namespaces) == 0, !namespaced && b.Clusterwide:
		return []string{""}
	case namespaced:
		return b.Namespaces
	}
	return nil
}

// Confine has nothing be asked for that is out of bounds. It is to be called before
// Run, and before the first Watch.
func (c *Cluster) Confine(to Bounds) { c.bounds, c.followed = to, to }

// Bounds returns what the Cluster is confined to.
func (c *Cluster) Bounds() Bounds { return c.bounds }

// Within has the watches follow the objects of one namespace only, beside those
// that are in none: for a command of a person who may not list those of all. It
// is to be called before the first Watch.
func (c *Cluster) Within(namespace string) {
	c.followed = Bounds{Namespaces: []string{namespace}, Clusterwide: true}
}
