package testenv

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
)

// A Recording is all that the API server's watches have told since it began: the
// proof of what happened, and in which order, that takes no program's word for it.
type Recording struct {
	cancel context.CancelFunc
	group  errgroup.Group

	mu     sync.Mutex // guards all below
	events []Event
	seen   map[schema.GroupVersionResource]int64
	// present has the objects that were told of and are not gone.
	present map[schema.GroupVersionResource]map[types.UID]bool
	failed  error
}

// An Event is a change of an object, at a version of the whole cluster.
type Event struct {
	Type    watch.EventType
	Version int64
	Object  *unstructured.Unstructured
}

// Record begins a recording of the objects of a namespace, which need not exist
// yet, and of those that are there. It ends with Stop.
func (c *Cluster) Record(ctx context.Context, namespace string, resources ...schema.GroupVersionResource) (*Recording, error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r := &Recording{
		cancel: cancel, seen: map[schema.GroupVersionResource]int64{},
		present: map[schema.GroupVersionResource]map[types.UID]bool{},
	}
	for _, resource := range resources {
		r.present[resource] = map[types.UID]bool{}
		client := c.Dynamic.Resource(resource).Namespace(namespace)
		list, err := client.List(ctx, metav1.ListOptions{})
		if err != nil {
			cancel()
			return nil, fmt.Errorf("record %s: %w", resource.Resource, err)
		}
		for i := range list.Items {
			r.note(resource, watch.Event{Type: watch.Added, Object: &list.Items[i]})
		}
		r.group.Go(func() error { return r.follow(ctx, resource, client, list.GetResourceVersion()) })
	}
	return r, nil
}

// follow notes events until ctx ends. Watches end now and then, and go on from
// the last version; one that cannot is a gap, and the recording worth nothing.
func (r *Recording) follow(ctx context.Context, resource schema.GroupVersionResource, client dynamic.ResourceInterface, version string) error {
	for {
		events, err := client.Watch(ctx, metav1.ListOptions{ResourceVersion: version, AllowWatchBookmarks: true})
		for err == nil {
			event, open := <-events.ResultChan()
			if !open {
				break
			}
			if event.Type == watch.Error {
				err = apierrors.FromObject(event.Object)
				break
			}
			version = r.note(resource, event)
		}
		if events != nil {
			events.Stop()
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.failed = fmt.Errorf("record %s: %w", resource.Resource, err)
			return r.failed
		}
	}
}

// note keeps an event, and returns the version from which to go on.
func (r *Recording) note(resource schema.GroupVersionResource, event watch.Event) string {
	object := event.Object.(*unstructured.Unstructured)
	version, _ := strconv.ParseInt(object.GetResourceVersion(), 10, 64) // a number since Kubernetes 1.35
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen[resource] = max(r.seen[resource], version)
	switch event.Type {
	case watch.Deleted:
		delete(r.present[resource], object.GetUID())
	case watch.Added, watch.Modified:
		r.present[resource][object.GetUID()] = true
	}
	if event.Type != watch.Bookmark {
		r.events = append(r.events, Event{event.Type, version, object})
	}
	return object.GetResourceVersion()
}

// CaughtUp says whether all that a list of a resource shows is recorded: what
// became of the objects in it, and that those that are not in it are gone.
func (r *Recording) CaughtUp(resource schema.GroupVersionResource, list *unstructured.UnstructuredList) (bool, error) {
	live := map[types.UID]bool{}
	var last int64
	for i := range list.Items {
		live[list.Items[i].GetUID()] = true
		version, err := strconv.ParseInt(list.Items[i].GetResourceVersion(), 10, 64)
		if err != nil {
			return false, fmt.Errorf("record %s: %w", resource.Resource, err)
		}
		last = max(last, version)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for uid := range r.present[resource] {
		if !live[uid] {
			return false, r.failed
		}
	}
	return r.seen[resource] >= last, r.failed
}

// Events returns what is recorded, in the order in which the cluster took it in,
// over all resources.
func (r *Recording) Events() []Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	events := slices.Clone(r.events)
	slices.SortStableFunc(events, func(a, b Event) int { return cmp.Compare(a.Version, b.Version) })
	return events
}

// Stop ends the recording. It returns an error if there was a gap in it.
func (r *Recording) Stop() error {
	r.cancel()
	return r.group.Wait()
}
