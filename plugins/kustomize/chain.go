package kustomize

import (
	"path"
	"slices"
)

// A chain is the kustomizations from the one to render to the one that was read
// last. Kustomize reads each before what it refers to, in order, depth first; so
// who led to a directory is the nearest that still waits for it.
type chain struct{ open []*opened }

type opened struct {
	*kustomization
	waits []*reference
}

// find looks for who refers to a kustomization that was just read. Resolve follows
// symlinks.
func (c *chain) find(k *kustomization, resolve func(string) string) {
	dir := path.Dir(k.file)
	if !c.lead(k, func(r *reference) bool { return r.target == dir }) {
		c.lead(k, func(r *reference) bool { return resolve(r.target) == dir })
	}
}

// enter makes a kustomization the last of the chain: what is read next it may have
// led to.
func (c *chain) enter(k *kustomization) {
	c.open = append(c.open, &opened{k, slices.Clone(k.names)})
	if named := k.field("namespace"); named != nil && named.Value != "" {
		k.namespace = named.Value
	}
}

// lead looks upwards for a reference that leads to k.
func (c *chain) lead(k *kustomization, leads func(*reference) bool) bool {
	for i := len(c.open) - 1; i >= 0; i-- {
		parent := c.open[i]
		at := slices.IndexFunc(parent.waits, func(r *reference) bool { return r.kind != ofFile && leads(r) })
		if at < 0 {
			continue
		}
		k.by, k.namespace = parent.waits[at], parent.namespace
		parent.waits = parent.waits[at+1:]
		c.open = c.open[:i+1]
		return true
	}
	return false
}

// add notes a reference that is not in the text of the kustomization read last.
func (c *chain) add(r *reference) {
	last := c.open[len(c.open)-1]
	last.waits = append(last.waits, r)
}
