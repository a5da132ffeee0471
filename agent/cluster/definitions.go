package cluster

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
)

var definitions = schema.GroupVersionResource{
	Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions",
}

// settle is how long to wait for further definitions before asking what is
// served, for they come in bundles; and between tries.
const settle = 300 * time.Millisecond

// glance is how often it is asked what the cluster serves where nobody may follow
// CustomResourceDefinitions. A kind that is missing is asked for at once anyway.
const glance = 3 * time.Minute

// watchDefinitions asks anew what the cluster serves whenever a
// CustomResourceDefinition comes, changes or goes; or now and then, if that is out of
// bounds.
func (c *Cluster) watchDefinitions(ctx context.Context) error {
	signal := make(bell, 1)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		c.rediscoverOn(ctx, signal)
		return nil
	})
	g.Go(func() error {
		if c.bounds.Outside("", false) != nil {
			wait.UntilWithContext(ctx, func(context.Context) { _ = signal.ring() }, glance)
		} else {
			c.followDefinitions(ctx, signal)
		}
		return nil
	})
	return g.Wait()
}

// followDefinitions rings at every change of a CustomResourceDefinition.
func (c *Cluster) followDefinitions(ctx context.Context, signal bell) {
	client := c.metadata.Resource(definitions)
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return client.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return client.Watch(ctx, o)
		},
	}
	reflector := cache.NewReflectorWithOptions(lw, &metav1.PartialObjectMetadata{}, signal, cache.ReflectorOptions{})
	reflector.RunWithContext(ctx)
}

func (c *Cluster) rediscoverOn(ctx context.Context, signal bell) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-signal:
		}
		err := wait.PollUntilContextCancel(ctx, settle, false, func(ctx context.Context) (bool, error) {
			err := c.Discover(ctx)
			if err != nil && ctx.Err() == nil {
				c.log.Warn("cannot tell what the cluster serves", "error", err)
			}
			return err == nil, nil
		})
		if err != nil {
			return // ctx has ended
		}
	}
}

// A bell is a cache.ReflectorStore that rings, and keeps nothing.
type bell chan struct{}

func (b bell) ring() error {
	select {
	case b <- struct{}{}:
	default:
	}
	return nil
}

func (b bell) Add(any) error               { return b.ring() }
func (b bell) Update(any) error            { return b.ring() }
func (b bell) Delete(any) error            { return b.ring() }
func (b bell) Replace([]any, string) error { return b.ring() }
func (b bell) Resync() error               { return nil }
