package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/metadata"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// kinds are those of a service's objects.
var kinds = []schema.GroupVersionResource{
	{Group: "apps", Version: "v1", Resource: "deployments"},
	{Version: "v1", Resource: "services"},
	{Version: "v1", Resource: "serviceaccounts"},
	{Version: "v1", Resource: "configmaps"},
}

// objects follows the metadata of the services' objects, by one watch per kind.
// Metadata of objects chosen by a label is the cheapest that the API server has
// to offer: this process must not compete with the agent.
type objects struct {
	cancel context.CancelFunc
	group  *errgroup.Group

	mu      sync.Mutex // guards the fields below
	states  map[objectID]objectState
	counts  map[string]int // by revision
	changed chan struct{}  // closed, and made anew, at each change
}

type objectID struct{ resource, name string } // names are of services

// A condition says whether the objects are as wanted, and what of them was seen.
type condition func(*objects) (met bool, seen string)

type objectState struct {
	revision   string
	generation int64
}

func watchObjects(ctx context.Context, cluster *testenv.Cluster) (*objects, error) {
	client, err := metadata.NewForConfig(cluster.Config)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	o := &objects{cancel: cancel, states: map[objectID]objectState{}, counts: map[string]int{}, changed: make(chan struct{})}
	o.group, ctx = errgroup.WithContext(ctx)
	for _, kind := range kinds {
		o.group.Go(func() error { return o.follow(ctx, client, kind) })
	}
	return o, nil
}

func (o *objects) stop() error {
	o.cancel()
	return o.group.Wait()
}

// follow watches one kind from its beginning, anew whenever the API server ends
// the watch.
func (o *objects) follow(ctx context.Context, client metadata.Interface, kind schema.GroupVersionResource) error {
	for {
		events, err := client.Resource(kind).Watch(ctx, metav1.ListOptions{LabelSelector: partOfLabel + "=" + partOf})
		if ctx.Err() != nil {
			return nil //nolint:nilerr // told to end, and with ctx the watch does
		}
		if err != nil {
			return fmt.Errorf("watch %s: %w", kind.Resource, err)
		}
		for event := range events.ResultChan() {
			o.take(kind.Resource, event)
		}
		events.Stop()
	}
}

func (o *objects) take(resource string, event watch.Event) {
	object, err := meta.Accessor(event.Object)
	if err != nil || event.Type == watch.Error {
		return // the watch ends after an error, and begins anew
	}
	id := objectID{resource, object.GetName()}
	o.mu.Lock()
	defer o.mu.Unlock()
	if was, known := o.states[id]; known {
		o.counts[was.revision]--
		delete(o.states, id)
	}
	if event.Type != watch.Deleted {
		is := objectState{object.GetAnnotations()[revisionAnnotation], object.GetGeneration()}
		o.states[id] = is
		o.counts[is.revision]++
	}
	close(o.changed)
	o.changed = make(chan struct{})
}

// until waits for a condition, and returns when it did.
func (o *objects) until(ctx context.Context, done condition) (time.Time, error) {
	for {
		o.mu.Lock()
		met, seen := done(o)
		changed := o.changed
		o.mu.Unlock()
		if met {
			return time.Now(), nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return time.Time{}, errors.Join(context.Cause(ctx), errors.New("the bench's watch has "+seen))
		}
	}
}

// countAt is met when n objects are at a revision. Every push has a revision of
// its own, so it need not look which ones.
func countAt(revision string, n int) condition {
	return func(o *objects) (bool, string) {
		return o.counts[revision] == n, fmt.Sprintf("%d of %d objects at revision %s", o.counts[revision], n, revision)
	}
}

// generationAbove is met when the spec of a service's Deployment was changed
// since it had a generation.
func generationAbove(generation int64, service int) condition {
	id := objectID{kinds[0].Resource, serviceName(service)}
	return func(o *objects) (bool, string) {
		return o.states[id].generation > generation, fmt.Sprintf("the Deployment at generation %d", o.states[id].generation)
	}
}
