package testenv

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
)

// A Condition says whether an object is as wanted, and what of it was seen, for
// the error when it never is. The object is nil while it does not exist.
type Condition func(object *unstructured.Unstructured) (met bool, seen string)

// Until waits until an object meets a condition. It looks at every state that
// the API server reports, beginning with the present one. The namespace of a
// cluster-scoped object is "". An API server that is too busy to answer is asked
// again. When ctx ends first, the error says what was seen last.
func (c *Cluster) Until(ctx context.Context, resource schema.GroupVersionResource, namespace, name string, met Condition) error {
	w := waiter{
		client: c.Dynamic.Resource(resource).Namespace(namespace),
		name:   name, met: met, seen: "nothing",
	}
	for {
		done, err := w.round(ctx)
		switch {
		case done:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("%s %s: %w; last seen: %s", resource.Resource, namespace+"/"+name, context.Cause(ctx), w.seen)
		case busy(err):
			pause(ctx)
		case err != nil:
			return fmt.Errorf("%s %s: %w", resource.Resource, namespace+"/"+name, err)
		}
	}
}

// busy says that an API server has too much to do for an answer just now.
func busy(err error) bool {
	return apierrors.IsTimeout(err) || apierrors.IsServerTimeout(err) || apierrors.IsTooManyRequests(err) || apierrors.IsServiceUnavailable(err)
}

func pause(ctx context.Context) {
	select {
	case <-time.After(100 * time.Millisecond):
	case <-ctx.Done():
	}
}

type waiter struct {
	client dynamic.ResourceInterface
	name   string
	met    Condition
	seen   string
}

func (w *waiter) look(object *unstructured.Unstructured) bool {
	met, seen := w.met(object)
	w.seen = seen
	return met
}

// round reads the object and follows it until the condition is met or the watch
// ends, as watches do now and then.
func (w *waiter) round(ctx context.Context) (done bool, err error) {
	only := fields.OneTermEqualSelector(metav1.ObjectNameField, w.name).String()
	list, err := w.client.List(ctx, metav1.ListOptions{FieldSelector: only})
	if err != nil {
		return false, err
	}
	var present *unstructured.Unstructured
	if len(list.Items) > 0 {
		present = &list.Items[0]
	}
	if w.look(present) {
		return true, nil
	}
	events, err := w.client.Watch(ctx, metav1.ListOptions{FieldSelector: only, ResourceVersion: list.GetResourceVersion()})
	if err != nil {
		return false, err
	}
	defer events.Stop()
	for event := range events.ResultChan() {
		switch object := event.Object.(type) {
		case *unstructured.Unstructured:
			if event.Type == watch.Deleted {
				object = nil
			}
			if event.Type != watch.Bookmark && w.look(object) {
				return true, nil
			}
		default:
			err := apierrors.FromObject(event.Object)
			if apierrors.IsResourceExpired(err) || apierrors.IsGone(err) {
				return false, nil
			}
			return false, err
		}
	}
	return false, nil
}

// Absent is met when the object does not exist.
func Absent(object *unstructured.Unstructured) (bool, string) {
	if object == nil {
		return true, "absent"
	}
	return false, "it exists"
}

// Present is met when the object exists.
func Present(object *unstructured.Unstructured) (bool, string) {
	if object == nil {
		return false, "absent"
	}
	return true, "it exists"
}
