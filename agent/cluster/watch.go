package cluster

import (
	"context"
	"fmt"
	"sync"

	"github.com/tidelock-io/tidelock/agent/api"
	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
)

// A watcher follows the objects of one kind that carry our label. It is the
// store of a reflector, and keeps nothing but the Cluster's records.
type watcher struct {
	cluster *Cluster
	gvk     schema.GroupVersionKind
	client  dynamic.ResourceInterface

	once   sync.Once
	synced chan struct{} // closed after the first listing
}

// Watch starts to follow kinds, and returns when what is live of them is known.
// To name a kind twice costs nothing. Run must be running.
func (c *Cluster) Watch(ctx context.Context, gvks ...schema.GroupVersionKind) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, gvk := range gvks {
		w, fresh, err := c.watcher(ctx, gvk)
		if err != nil {
			return err
		}
		g.Go(func() error { return w.wait(ctx, fresh) })
	}
	return g.Wait()
}

// watcher returns the watcher of a kind, and whether it has yet to be run.
func (c *Cluster) watcher(ctx context.Context, gvk schema.GroupVersionKind) (*watcher, bool, error) {
	c.mu.Lock()
	w := c.watches[gvk]
	c.mu.Unlock()
	if w != nil {
		return w, false, nil
	}
	kind, err := c.Kind(ctx, gvk)
	if err != nil {
		return nil, false, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if w := c.watches[gvk]; w != nil {
		return w, false, nil
	}
	w = &watcher{cluster: c, gvk: gvk, client: c.dynamic.Resource(kind.Resource), synced: make(chan struct{})}
	c.watches[gvk] = w
	return w, true, nil
}

func (w *watcher) wait(ctx context.Context, fresh bool) error {
	if fresh {
		select {
		case w.cluster.started <- w:
		case <-ctx.Done():
			return w.forget(ctx)
		}
	}
	select {
	case <-w.synced:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("list live objects of kind %s: %w", w.gvk.Kind, ctx.Err())
	}
}

// forget lets another caller start the watch that this one could not.
func (w *watcher) forget(ctx context.Context) error {
	w.cluster.mu.Lock()
	defer w.cluster.mu.Unlock()
	delete(w.cluster.watches, w.gvk)
	return fmt.Errorf("watch kind %s: %w", w.gvk.Kind, ctx.Err())
}

// run follows the kind until ctx ends.
func (w *watcher) run(ctx context.Context) {
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.LabelSelector = api.LabelApp
			return w.client.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.LabelSelector = api.LabelApp
			return w.client.Watch(ctx, o)
		},
	}
	cache.NewReflectorWithOptions(lw, &unstructured.Unstructured{}, w, cache.ReflectorOptions{Name: w.gvk.String()}).
		RunWithContext(ctx)
}

// Add, Update, Delete, Replace and Resync make it a cache.ReflectorStore.
func (w *watcher) Add(obj any) error {
	w.cluster.ingest(w.gvk, obj.(*unstructured.Unstructured).Object)
	return nil
}

func (w *watcher) Update(obj any) error { return w.Add(obj) }

func (w *watcher) Delete(obj any) error {
	w.cluster.deleted(w.gvk, obj.(*unstructured.Unstructured).Object)
	return nil
}

func (w *watcher) Replace(list []any, _ string) error {
	w.cluster.replace(w.gvk, list)
	w.once.Do(func() { close(w.synced) })
	return nil
}

func (w *watcher) Resync() error { return nil }
