package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidelock-io/tidelock/agent/diff"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/util/retry"
)

// A doubt is an object that left a watch without being marked for deletion:
// perhaps only its label was removed (DRIFT.md rule 7).
type doubt struct {
	gvk  schema.GroupVersionKind
	live *diff.Live // what was last seen of it
}

// rememberedDeletions bounds what is known of objects that are gone.
const rememberedDeletions = 10_000

// deleted takes the end of an object, as a watch tells it.
func (c *Cluster) deleted(gvk schema.GroupVersionKind, object map[string]any) {
	live := c.identify(gvk, object)
	switch {
	case live.App == "" && !c.holds(live): // never was ours
	case live.Deleting:
		c.remove(live)
	default:
		c.doubt(gvk, live)
	}
}

// doubt has an object looked at that may be gone.
func (c *Cluster) doubt(gvk schema.GroupVersionKind, live *diff.Live) {
	select {
	case c.doubtful <- doubt{gvk, live}:
	default: // a flood: take it as gone; what Git states is applied again
		c.remove(live)
	}
}

// remove forgets an object that is gone, as of a record of it.
func (c *Cluster) remove(live *diff.Live) {
	c.mu.Lock()
	old := c.records[live.Key]
	if old == nil || olderThan(live.ResourceVersion, old.ResourceVersion) {
		old = nil
	} else {
		c.drop(old)
	}
	if len(c.gone) >= rememberedDeletions {
		clear(c.gone)
	}
	if !olderThan(live.ResourceVersion, c.gone[live.Key]) {
		c.gone[live.Key] = live.ResourceVersion
	}
	apps := c.concerns(live, old)
	c.mu.Unlock()
	c.tell(apps, true)
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

// patience is how often, and how far apart, an object is asked for if the server
// does not answer.
var patience = wait.Backoff{Duration: 100 * time.Millisecond, Factor: 3, Steps: 5}

// check looks at an object in doubt. If it lives on, it is no longer ours, but a
// record of it stays: what Git states of it has drifted.
func (c *Cluster) check(ctx context.Context, d doubt) {
	var object *unstructured.Unstructured
	err := retry.OnError(patience, unclear, func() (err error) {
		object, err = c.get(ctx, d.gvk, d.live.Key.Namespace, d.live.Key.Name)
		return err
	})
	switch {
	case ctx.Err() != nil:
		return
	case err == nil && string(object.GetUID()) == d.live.UID:
		c.ingest(d.gvk, object.Object)
		return
	case err != nil && unclear(err):
		c.log.Warn("cannot tell whether an object is gone, and take it so", "object", d.live.Key, "error", err)
	}
	c.remove(d.live)
}

// unclear says that an error does not tell whether an object is there.
func unclear(err error) bool {
	return !apierrors.IsNotFound(err) && !apierrors.IsForbidden(err) && !errors.Is(err, ErrKind) && !errors.Is(err, context.Canceled)
}

// Get reads one object from the cluster.
func (c *Cluster) Get(ctx context.Context, gvk schema.GroupVersionKind, namespace, name string) (map[string]any, error) {
	object, err := c.get(ctx, gvk, namespace, name)
	if err != nil {
		return nil, err
	}
	return object.Object, nil
}

// Reread reads an object anew: what identifies it, and whose it is by now. Nil is
// one that is gone.
func (c *Cluster) Reread(ctx context.Context, live *diff.Live) (*diff.Live, error) {
	gvk := live.Key.GroupKind().WithVersion(live.Version)
	object, err := c.get(ctx, gvk, live.Key.Namespace, live.Key.Name)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the live object: %w", err)
	}
	return c.identify(gvk, object.Object), nil
}

func (c *Cluster) get(ctx context.Context, gvk schema.GroupVersionKind, namespace, name string) (*unstructured.Unstructured, error) {
	kind, err := c.Kind(ctx, gvk)
	if err != nil {
		return nil, err
	}
	if err := c.bounds.Outside(namespace, kind.Namespaced); err != nil {
		return nil, err
	}
	client := c.resource(kind, namespace)
	var object *unstructured.Unstructured
	err = retry.OnError(reads, func(err error) bool { return ctx.Err() == nil && Passing(err) }, func() (err error) {
		object, err = client.Get(ctx, name, metav1.GetOptions{})
		return err
	})
	return object, err
}

// resource reaches the objects of a kind: those of a namespace, or of all if it is "".
func (c *Cluster) resource(kind Kind, namespace string) dynamic.ResourceInterface {
	if !kind.Namespaced {
		return c.dynamic.Resource(kind.Resource)
	}
	return c.dynamic.Resource(kind.Resource).Namespace(namespace)
}

// reads is how often, and how far apart, an object is read if the server fails.
var reads = wait.Backoff{Duration: 50 * time.Millisecond, Factor: 3, Jitter: 0.5, Steps: 4}
