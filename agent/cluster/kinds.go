package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/render/manifest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

// ErrKind says that the cluster serves no such kind.
var ErrKind = errors.New("the cluster does not serve this kind")

// A Kind is how a kind is reached.
type Kind struct {
	Resource   schema.GroupVersionResource
	Namespaced bool
}

// kinds is the outcome of one discovery.
type kinds struct {
	at      time.Time
	byKind  map[schema.GroupVersionKind]Kind
	groups  map[schema.GroupKind]Kind // in the preferred version
	api     []string                  // "apps/v1", "apps/v1/Deployment"
	silent  []string                  // groups whose own server does not answer
	version string
}

// freshEnough bounds how often an unknown kind may cause a discovery.
const freshEnough = 2 * time.Second

// Discover asks the cluster what it serves.
func (c *Cluster) Discover(ctx context.Context) error {
	if err := c.discovering.take(ctx); err != nil {
		return fmt.Errorf("ask the cluster what it serves: %w", err)
	}
	defer c.discovering.end()
	return c.discover(ctx)
}

// discover is one discovery. The caller holds c.discovering.
func (c *Cluster) discover(ctx context.Context) error {
	found := kinds{at: time.Now(), byKind: map[schema.GroupVersionKind]Kind{}, groups: map[schema.GroupKind]Kind{}}
	version, err := c.discovery.ServerVersionWithContext(ctx)
	if err != nil {
		return fmt.Errorf("ask the cluster for its version: %w", err)
	}
	found.version = strings.TrimPrefix(version.GitVersion, "v")
	groups, resources, err := c.discovery.ServerGroupsAndResourcesWithContext(ctx)
	silent, isPartial := discovery.GroupDiscoveryFailedErrorGroups(err)
	if err != nil && (!isPartial || ctx.Err() != nil) {
		return fmt.Errorf("ask the cluster what it serves: %w", err)
	}
	c.kindsMu.RLock()
	before := c.kinds
	c.kindsMu.RUnlock()
	for _, list := range resources {
		found.add(list)
	}
	for gv := range silent {
		found.adopt(before, gv)
		found.silent = append(found.silent, gv.Group)
	}
	slices.Sort(found.silent)
	found.silent = slices.Compact(found.silent)
	found.prefer(groups)
	slices.Sort(found.api)
	c.kindsMu.Lock()
	c.kinds = found
	c.kindsMu.Unlock()
	c.unwatch(found.byKind)
	if before.byKind != nil && !slices.Equal(before.api, found.api) {
		c.served()
	}
	return nil
}

// adopt takes over what was known of a group whose own server does not answer:
// its kinds are not gone for that.
func (k *kinds) adopt(before kinds, gv schema.GroupVersion) {
	known := false
	for gvk, kind := range before.byKind {
		if gvk.GroupVersion() == gv {
			known = true
			k.byKind[gvk], k.groups[gvk.GroupKind()] = kind, kind
			k.api = append(k.api, gv.String()+"/"+gvk.Kind)
		}
	}
	if known {
		k.api = append(k.api, gv.String())
	}
}

func (k *kinds) add(list *metav1.APIResourceList) {
	gv, err := schema.ParseGroupVersion(list.GroupVersion)
	if err != nil {
		return
	}
	k.api = append(k.api, list.GroupVersion)
	for _, r := range list.APIResources {
		if strings.Contains(r.Name, "/") || !slices.Contains(r.Verbs, "list") || !slices.Contains(r.Verbs, "watch") {
			continue
		}
		kind := Kind{gv.WithResource(r.Name), r.Namespaced}
		k.byKind[gv.WithKind(r.Kind)] = kind
		k.groups[schema.GroupKind{Group: gv.Group, Kind: r.Kind}] = kind
		k.api = append(k.api, list.GroupVersion+"/"+r.Kind)
	}
}

// prefer points each kind of a group at the version that the server prefers.
func (k *kinds) prefer(groups []*metav1.APIGroup) {
	for gk := range k.groups {
		for _, g := range groups {
			if g.Name != gk.Group {
				continue
			}
			if kind, ok := k.byKind[gk.WithVersion(g.PreferredVersion.Version)]; ok {
				k.groups[gk] = kind
			}
		}
	}
}

// Kind returns how a kind is reached. An unknown kind is looked up once more,
// for its definition may be new.
func (c *Cluster) Kind(ctx context.Context, gvk schema.GroupVersionKind) (Kind, error) {
	if kind, ok := c.lookup(gvk); ok {
		return kind, nil
	}
	if err := c.rediscover(ctx); err != nil {
		return Kind{}, err
	}
	if kind, ok := c.lookup(gvk); ok {
		return kind, nil
	}
	return Kind{}, fmt.Errorf("%w: %s %s: install its CustomResourceDefinition, or add it to the same application", ErrKind, gvk.GroupVersion(), gvk.Kind)
}

func (c *Cluster) rediscover(ctx context.Context) error {
	if err := c.discovering.take(ctx); err != nil {
		return fmt.Errorf("ask the cluster what it serves: %w", err)
	}
	defer c.discovering.end()
	c.kindsMu.RLock()
	at := c.kinds.at
	c.kindsMu.RUnlock()
	if time.Since(at) < freshEnough {
		return nil
	}
	return c.discover(ctx)
}

func (c *Cluster) lookup(gvk schema.GroupVersionKind) (Kind, bool) {
	c.kindsMu.RLock()
	defer c.kindsMu.RUnlock()
	kind, ok := c.kinds.byKind[gvk]
	return kind, ok
}

// Serves reports whether the cluster serves a kind, in any version.
func (c *Cluster) Serves(gk schema.GroupKind) bool {
	c.kindsMu.RLock()
	defer c.kindsMu.RUnlock()
	_, ok := c.kinds.groups[gk]
	return ok
}

// ServesVersion reports whether the cluster serves a kind in this version.
func (c *Cluster) ServesVersion(gvk schema.GroupVersionKind) bool {
	_, ok := c.lookup(gvk)
	return ok
}

// Scope tells whether an object's kind lives in namespaces, if the cluster
// serves it.
func (c *Cluster) Scope(o *manifest.Object) (namespaced, known bool) {
	c.kindsMu.RLock()
	defer c.kindsMu.RUnlock()
	kind, ok := c.kinds.groups[o.Key.GroupKind()]
	return kind.Namespaced, ok
}

// Version returns the server's version ("1.37.2") and what it serves
// ("apps/v1", "apps/v1/Deployment"), for renderers.
func (c *Cluster) Version() (version string, apis []string) {
	c.kindsMu.RLock()
	defer c.kindsMu.RUnlock()
	return c.kinds.version, c.kinds.api
}

// Kinds returns all kinds that the cluster serves, and how they are reached.
func (c *Cluster) Kinds() map[schema.GroupVersionKind]Kind {
	c.kindsMu.RLock()
	defer c.kindsMu.RUnlock()
	return maps.Clone(c.kinds.byKind)
}

// Silent returns the groups of which the cluster does not say what kinds they have, for
// their own API servers do not answer.
func (c *Cluster) Silent() []string {
	c.kindsMu.RLock()
	defer c.kindsMu.RUnlock()
	return slices.Clone(c.kinds.silent)
}
