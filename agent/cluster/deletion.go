package cluster

import (
	"context"

	"github.com/tidelock-io/tidelock/agent/diff"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// A doubt is an object that left a watch without being marked for deletion:
// perhaps only its label was removed (DRIFT.md rule 7).
type doubt struct {
	gvk  schema.GroupVersionKind
	live *diff.Live
}

// rememberedDeletions bounds what is known of objects that are gone.
const rememberedDeletions = 10_000

// deleted takes the end of an object, as a watch tells it.
func (c *Cluster) deleted(gvk schema.GroupVersionKind, object map[string]any) {
	live := c.record(gvk, object)
	if live.App == "" {
		return
	}
	if !live.Deleting {
		select {
		case c.doubtful <- doubt{gvk, live}:
			return
		default: // a flood: take it as deleted, the next pass applies it again
		}
	}
	c.remove(live)
}

func (c *Cluster) remove(live *diff.Live) {
	c.mu.Lock()
	if old := c.records[live.Key]; old != nil && !olderThan(live.ResourceVersion, old.ResourceVersion) {
		c.drop(old)
	}
	if len(c.gone) >= rememberedDeletions {
		clear(c.gone)
	}
	c.gone[live.Key] = live.ResourceVersion
	c.mu.Unlock()
	c.changed(live.App, true)
}

// checkDeletions asks for each object in doubt whether it is still there.
func (c *Cluster) checkDeletions(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case d := <-c.doubtful:
			c.check(ctx, d)
		}
	}
}

func (c *Cluster) check(ctx context.Context, d doubt) {
	object, err := c.get(ctx, d.gvk, d.live.Key.Namespace, d.live.Key.Name)
	if err == nil && string(object.GetUID()) == d.live.UID {
		c.unlabelled(d, object)
		return
	}
	if err != nil && !apierrors.IsNotFound(err) {
		c.log.Warn("cannot tell whether an object is gone", "object", d.live.Key, "error", err)
	}
	c.remove(d.live)
}

// unlabelled keeps the record of an object that lost our label, as drifted.
func (c *Cluster) unlabelled(d doubt, object *unstructured.Unstructured) {
	live := *d.live
	live.ResourceVersion = object.GetResourceVersion()
	live.Digest = c.digest(d.gvk, object.Object)
	c.mu.Lock()
	app, changed := c.keep(&live)
	c.mu.Unlock()
	if changed {
		c.changed(app, true)
	}
}

// Get reads one object from the cluster.
func (c *Cluster) Get(ctx context.Context, gvk schema.GroupVersionKind, namespace, name string) (map[string]any, error) {
	object, err := c.get(ctx, gvk, namespace, name)
	if err != nil {
		return nil, err
	}
	return object.Object, nil
}

func (c *Cluster) get(ctx context.Context, gvk schema.GroupVersionKind, namespace, name string) (*unstructured.Unstructured, error) {
	kind, err := c.Kind(ctx, gvk)
	if err != nil {
		return nil, err
	}
	var client dynamic.ResourceInterface = c.dynamic.Resource(kind.Resource)
	if kind.Namespaced {
		client = c.dynamic.Resource(kind.Resource).Namespace(namespace)
	}
	return client.Get(ctx, name, metav1.GetOptions{})
}
