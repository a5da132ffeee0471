package cluster

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// untrackedPage is how many objects are listed at a time.
const untrackedPage = 500

// Untracked lists the objects of a namespace that belong to no application and to
// no other object, in order. It asks for the metadata of all objects of the kinds
// that are wanted, and keeps nothing of it: this is not for every pass. Kinds that
// the agent may not list are left out.
func (c *Cluster) Untracked(ctx context.Context, namespace string, wanted func(schema.GroupKind) bool) ([]manifest.Key, error) {
	if err := c.bounds.Outside(namespace, true); err != nil {
		return nil, err
	}
	var mu sync.Mutex // guards found
	var found []manifest.Key
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(reading)
	for gk, kind := range c.namespaced() {
		if !wanted(gk) {
			continue
		}
		g.Go(func() error {
			keys, err := c.untrackedOf(ctx, gk, kind, namespace)
			mu.Lock()
			defer mu.Unlock()
			found = append(found, keys...)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	slices.SortFunc(found, manifest.Key.Compare)
	return found, nil
}

// namespaced returns the kinds that live in namespaces, each in one version.
func (c *Cluster) namespaced() map[schema.GroupKind]Kind {
	c.kindsMu.RLock()
	defer c.kindsMu.RUnlock()
	kinds := map[schema.GroupKind]Kind{}
	for gk, kind := range c.kinds.groups {
		if kind.Namespaced {
			kinds[gk] = kind
		}
	}
	return kinds
}

func (c *Cluster) untrackedOf(ctx context.Context, gk schema.GroupKind, kind Kind, namespace string) (found []manifest.Key, err error) {
	options := metav1.ListOptions{Limit: untrackedPage}
	for {
		list, err := c.metadata.Resource(kind.Resource).Namespace(namespace).List(ctx, options)
		switch {
		case apierrors.IsForbidden(err), apierrors.IsNotFound(err), apierrors.IsMethodNotSupported(err):
			return found, nil
		case err != nil:
			return nil, fmt.Errorf("list %s of namespace %s: %w", kind.Resource.Resource, namespace, err)
		}
		for i := range list.Items {
			o := &list.Items[i].ObjectMeta
			key := manifest.Key{Group: gk.Group, Kind: gk.Kind, Namespace: namespace, Name: o.Name}
			if len(o.OwnerReferences) == 0 && o.DeletionTimestamp == nil && !tracked(key, o.Annotations) {
				found = append(found, key)
			}
		}
		if options.Continue = list.Continue; options.Continue == "" {
			return found, nil
		}
	}
}

// tracked says that an object names an application, be it ours or another agent's.
func tracked(key manifest.Key, annotations map[string]string) bool {
	id, err := api.ParseTrackingID(annotations[api.AnnotationTrackingID])
	return err == nil && id.IsOf(key.Group, key.Kind, key.Namespace, key.Name)
}

// Owned says that an object is known to be an application's.
func (c *Cluster) Owned(key manifest.Key) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	live := c.records[key]
	return live != nil && live.App != ""
}
