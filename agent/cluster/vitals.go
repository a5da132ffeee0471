package cluster

import (
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Vitals are how a Cluster is followed.
type Vitals struct {
	Version string    // of Kubernetes
	Kinds   int       // that are followed
	Objects int       // of which there is a record
	Listed  time.Time // when the oldest listing was made; zero if there is none
	// Events are how often something was told of an object of a kind.
	Events map[schema.GroupKind]int64
	// Processing is how long that took.
	Processing Processing
}

// Vitals returns how the cluster is followed now.
func (c *Cluster) Vitals() Vitals {
	version, _ := c.Version()
	processing := c.processed.read()
	c.mu.Lock()
	defer c.mu.Unlock()
	v := Vitals{Version: version, Objects: len(c.records), Processing: processing, Events: make(map[schema.GroupKind]int64, len(c.watches))}
	kinds := map[schema.GroupVersionKind]bool{}
	for of, w := range c.watches {
		kinds[of.gvk] = true
		v.Events[of.gvk.GroupKind()] += w.events.Load()
		if at := w.listed.Load(); at != nil && (v.Listed.IsZero() || at.Before(v.Listed)) {
			v.Listed = *at
		}
	}
	v.Kinds = len(kinds)
	return v
}

// tick notes that something was told of an object of the kind.
func (w *watcher) tick() { w.events.Add(1) }

// list notes that a whole listing came.
func (w *watcher) list(length int) {
	now := time.Now()
	w.listed.Store(&now)
	w.events.Add(int64(length))
}
