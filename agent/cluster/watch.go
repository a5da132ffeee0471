package cluster

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidelock-io/tidelock/agent/diff"
	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
)

// listedWithin bounds the wait for the first listing of a kind.
const listedWithin = 30 * time.Second

// A feed is what one watch follows: a kind, in one namespace, or "" if in all or in
// none.
type feed struct {
	gvk       schema.GroupVersionKind
	namespace string
}

// has says that a record is of an object that the feed tells of.
func (f feed) has(live *diff.Live) bool {
	return live.Key.GroupKind() == f.gvk.GroupKind() && live.Version == f.gvk.Version && (f.namespace == "" || live.Key.Namespace == f.namespace)
}

// A watcher follows the objects of a feed that carry our label. It is the store of a
// reflector, and keeps nothing but the Cluster's records.
type watcher struct {
	feed
	cluster *Cluster
	client  dynamic.ResourceInterface
	ended   chan struct{} // closed when the kind is no longer served

	once   sync.Once
	synced chan struct{} // closed after the first listing

	mu     sync.Mutex // guards err
	err    error      // of the last failed request
	failed chan struct{}

	reflector atomic.Pointer[cache.Reflector] // nil before run

	events atomic.Int64 // see Vitals
	listed atomic.Pointer[time.Time]
}

// Watch starts to follow kinds, and returns when what is live of them is known. What
// is out of bounds is not followed. To name a kind twice costs nothing. Run must be
// running.
func (c *Cluster) Watch(ctx context.Context, gvks ...schema.GroupVersionKind) error {
	ctx, cancel := context.WithTimeout(ctx, listedWithin)
	defer cancel()
	var watchers []*watcher
	for _, gvk := range gvks {
		kind, err := c.Kind(ctx, gvk)
		if err != nil {
			return err
		}
		for _, namespace := range c.followed.namespaces(kind.Namespaced) {
			w, err := c.watcher(ctx, feed{gvk, namespace}, kind)
			if err != nil {
				return err
			}
			watchers = append(watchers, w)
		}
	}
	for _, w := range watchers {
		if err := w.wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// watcher returns the watcher of a feed, and has it run if it is new.
func (c *Cluster) watcher(ctx context.Context, of feed, kind Kind) (*watcher, error) {
	if w := c.watching(of); w != nil {
		return w, nil
	}
	if err := c.starting.take(ctx); err != nil {
		return nil, fmt.Errorf("watch kind %s: %w", of.gvk.Kind, err)
	}
	defer c.starting.end()
	if w := c.watching(of); w != nil {
		return w, nil
	}
	w := &watcher{
		cluster: c, feed: of, client: c.resource(kind, of.namespace),
		ended: make(chan struct{}), synced: make(chan struct{}), failed: make(chan struct{}),
	}
	select {
	case c.started <- w:
	case <-ctx.Done():
		return nil, fmt.Errorf("watch kind %s: %w", of.gvk.Kind, ctx.Err())
	}
	c.mu.Lock()
	c.watches[of] = w
	c.mu.Unlock()
	return w, nil
}

func (c *Cluster) watching(of feed) *watcher {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.watches[of]
}

// unwatch ends the watches of kinds that are no longer served, and forgets their
// objects, which are gone with the kind.
func (c *Cluster) unwatch(served map[schema.GroupVersionKind]Kind) {
	var lost []*diff.Live
	c.mu.Lock()
	for of, w := range c.watches {
		if _, ok := served[of.gvk]; ok {
			continue
		}
		close(w.ended)
		delete(c.watches, of)
		for _, live := range c.records {
			if of.has(live) {
				c.drop(live)
				lost = append(lost, live)
			}
		}
	}
	apps := c.concerns(lost...)
	c.mu.Unlock()
	c.tell(apps, true)
}

// wait returns when the first listing is there, or has failed.
func (w *watcher) wait(ctx context.Context) error {
	select {
	case <-w.synced:
		return nil
	default:
	}
	select {
	case <-w.synced:
		return nil
	case <-w.failed:
		w.mu.Lock()
		defer w.mu.Unlock()
		return fmt.Errorf("list live objects of kind %s: %w", w.gvk.Kind, w.err)
	case <-ctx.Done():
		return fmt.Errorf("list live objects of kind %s: %w", w.gvk.Kind, ctx.Err())
	}
}

// fail remembers why there is no listing. The reflector tries again. A server
// that cannot stream a listing calls the request invalid, and is asked for it in
// pages; a kind whose definition is new may not be there for an instant.
func (w *watcher) fail(err error) {
	if err == nil || apierrors.IsInvalid(err) || apierrors.IsNotFound(err) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		close(w.failed)
	}
	w.err = err
}

// run follows the kind until ctx ends, or it is no longer served.
func (w *watcher) run(ctx context.Context) {
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.LabelSelector = w.cluster.selector()
			list, err := w.client.List(ctx, o)
			w.fail(err)
			return list, err
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.LabelSelector = w.cluster.selector()
			events, err := w.client.Watch(ctx, o)
			w.fail(err)
			return events, err
		},
	}
	reflector := cache.NewReflectorWithOptions(lw, &unstructured.Unstructured{}, w, cache.ReflectorOptions{Name: w.gvk.String()})
	w.reflector.Store(reflector)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var g errgroup.Group
	g.Go(func() error {
		reflector.RunWithContext(ctx)
		return nil
	})
	select {
	case <-w.ended:
	case <-ctx.Done():
	}
	cancel()
	_ = g.Wait()
}

// Add, Update, Delete, Replace and Resync make it a cache.ReflectorStore.
func (w *watcher) Add(obj any) error {
	w.tick()
	defer w.cluster.processed.since(time.Now(), 1)
	w.cluster.ingest(w.gvk, obj.(*unstructured.Unstructured).Object)
	return nil
}

func (w *watcher) Update(obj any) error { return w.Add(obj) }

func (w *watcher) Delete(obj any) error {
	w.tick()
	defer w.cluster.processed.since(time.Now(), 1)
	w.cluster.deleted(w.gvk, obj.(*unstructured.Unstructured).Object)
	return nil
}

func (w *watcher) Replace(list []any, version string) error {
	w.list(len(list))
	defer w.cluster.processed.since(time.Now(), len(list))
	records := make([]*diff.Live, len(list))
	rules := w.cluster.ruled()
	for i, item := range list {
		if u, ok := item.(*unstructured.Unstructured); ok {
			item = w.reduce(u)
		}
		r := item.(*reduced)
		if records[i] = r.live; i == 0 {
			rules = r.rules
		}
	}
	w.cluster.replace(w.feed, records, version)
	w.cluster.outdate(w.gvk, rules)
	w.once.Do(func() { close(w.synced) })
	return nil
}

func (w *watcher) Resync() error { return nil }

// Transformer makes it a cache.TransformingStore: a listing that comes as a
// stream is gathered as records, so that no more than one whole object of it is
// in memory at a time.
func (w *watcher) Transformer() cache.TransformFunc {
	return func(obj any) (any, error) {
		if u, ok := obj.(*unstructured.Unstructured); ok {
			return w.reduce(u), nil
		}
		return obj, nil
	}
}

// A reduced is a record on its way through a reflector, which asks for names.
type reduced struct {
	metav1.ObjectMeta
	live  *diff.Live
	rules Rules // by which it was made, or older ones
}

func (w *watcher) reduce(u *unstructured.Unstructured) *reduced {
	rules := w.cluster.ruled()
	return &reduced{
		metav1.ObjectMeta{Namespace: u.GetNamespace(), Name: u.GetName(), ResourceVersion: u.GetResourceVersion()},
		w.cluster.reduce(w.gvk, u.Object), rules,
	}
}
