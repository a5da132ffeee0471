package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/cluster"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/render/manifest"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/retry"
)

// send brings an object to the server in the way that its options ask for.
func (a *Applier) send(ctx context.Context, c diff.Change, options Options) (answer map[string]any, created bool, err error) {
	if c.Desired, err = a.lenient(ctx, c.Desired, options); err != nil {
		return nil, false, err
	}
	o := c.Desired
	adoption, err := a.adoption(ctx, c)
	if err != nil {
		return nil, false, err
	}
	switch {
	case adoption == replaces:
		answer, created, err = a.takeOver(ctx, o, options)
	case options.of(o, "Replace") == "true":
		answer, created, err = a.replace(ctx, o, options)
	case options.clientSide(o):
		answer, created, err = a.clientSide(ctx, o, options)
	default:
		answer, created, err = a.serverSide(ctx, c, options)
	}
	if errors.Is(err, ErrImmutable) && options.forces(o) {
		return a.recreate(ctx, o)
	}
	return answer, created, err
}

// serverSide is the usual way: server-side apply.
func (a *Applier) serverSide(ctx context.Context, c diff.Change, options Options) (answer map[string]any, created bool, err error) {
	o := c.Desired
	if c.Live != nil && options.Respect.Concerns(o.Key) {
		answer, created, err = a.respectfully(ctx, o, options.Respect)
	} else {
		answer, created, err = a.apply(ctx, o, false)
	}
	if duplicate(err) {
		answer, err = a.reclaim(ctx, o, err)
	}
	if err == nil && !created {
		answer, err = a.succeed(ctx, o, answer, options)
	}
	return answer, created, err
}

// respectfully applies an object with what is ignored in it as it is live. If
// that changes meanwhile, the server says so by a conflict.
func (a *Applier) respectfully(ctx context.Context, o *manifest.Object, ignore *diff.Ignore) (answer map[string]any, created bool, err error) {
	err = retry.OnError(retry.DefaultBackoff, apierrors.IsConflict, func() error {
		live, err := a.cluster.Get(ctx, o.GVK(), o.Key.Namespace, o.Key.Name)
		if apierrors.IsNotFound(err) {
			answer, created, err = a.apply(ctx, o, false)
			return err
		}
		if err != nil {
			return fmt.Errorf("read the live object: %w", err)
		}
		respected, err := ignore.Respect(o, live)
		if err != nil {
			return err
		}
		version := (&unstructured.Unstructured{Object: live}).GetResourceVersion()
		answer, created, err = a.patchApply(ctx, respected, version, false)
		return err
	})
	return answer, created, err
}

// lasting are the kinds that are never deleted to be created anew: with them
// goes what nobody can apply again.
var lasting = []string{"Namespace", "CustomResourceDefinition", "PersistentVolumeClaim", "PersistentVolume"}

// forces says that an object may be deleted and created: the operation's strategy
// says so, or the object's own annotation. Among an Application's options Force
// means nothing (SEMANTICS.md 1.6).
func (o Options) forces(object *manifest.Object) bool {
	own := api.ParseSyncOptions(object.Annotations[api.AnnotationSyncOptions])
	return (o.Force || own.Has(api.SyncOptionForce)) && !slices.Contains(lasting, object.Key.Kind)
}

// recreated bounds the wait for the end of an object that is created anew.
const recreated = 30 * time.Second

// ErrStays says that an object was deleted, and does not go.
var ErrStays = errors.New("the object was deleted to be created anew, and is still there: see its finalizers")

// recreate deletes an object and creates it.
func (a *Applier) recreate(ctx context.Context, o *manifest.Object) (answer map[string]any, created bool, err error) {
	at, err := a.url(ctx, o.GVK(), o.Key)
	if err != nil {
		return nil, false, err
	}
	propagation := metav1.DeletePropagationBackground
	options := metav1.DeleteOptions{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "DeleteOptions"}, PropagationPolicy: &propagation}
	err = a.request(ctx, func() error { return a.client.Delete().AbsPath(at).Body(&options).Do(ctx).Error() })
	if err != nil && !apierrors.IsNotFound(err) {
		return nil, false, fmt.Errorf("delete the object to create it anew: %w", rejected(o, err))
	}
	err = wait.PollUntilContextTimeout(ctx, servedPoll, recreated, true, func(ctx context.Context) (bool, error) {
		_, err := a.cluster.Get(ctx, o.GVK(), o.Key.Namespace, o.Key.Name)
		return apierrors.IsNotFound(err), nil
	})
	if err != nil {
		return nil, false, ErrStays
	}
	return a.apply(ctx, o, false)
}

// replace puts the object in the place of what is there: what others have added
// goes. The server-side apply after it makes what Git states ours, by which
// drift is known (DESIGN.md D7). Finalizers and owners stay, for they are
// promises to others.
func (a *Applier) replace(ctx context.Context, o *manifest.Object, options Options) (answer map[string]any, created bool, err error) {
	live, err := a.cluster.Get(ctx, o.GVK(), o.Key.Namespace, o.Key.Name)
	if apierrors.IsNotFound(err) {
		return a.apply(ctx, o, false)
	}
	if err != nil {
		return nil, false, fmt.Errorf("read the live object: %w", err)
	}
	was := &unstructured.Unstructured{Object: live}
	err = a.put(ctx, o, options, func(next *unstructured.Unstructured) {
		next.SetResourceVersion(was.GetResourceVersion())
		next.SetFinalizers(was.GetFinalizers())
		next.SetOwnerReferences(was.GetOwnerReferences())
	})
	if err != nil {
		return nil, false, err
	}
	return a.apply(ctx, o, false)
}

// put sends an object, changed by edit, as the whole of what is to be there.
func (a *Applier) put(ctx context.Context, o *manifest.Object, options Options, edit func(*unstructured.Unstructured)) error {
	body, err := edited(o, edit)
	if err != nil {
		return err
	}
	at, err := a.url(ctx, o.GVK(), o.Key)
	if err != nil {
		return err
	}
	err = a.request(ctx, func() error {
		return a.client.Put().AbsPath(at).Param("fieldManager", diff.Manager).
			Param("fieldValidation", options.validation(o)).SetHeader("Content-Type", "application/json").Body(body).Do(ctx).Error()
	})
	if err != nil {
		return rejected(o, err)
	}
	return nil
}

// validation is how the server takes unknown fields (SEMANTICS.md 1.6).
func (o Options) validation(object *manifest.Object) string {
	if o.of(object, "Validate") == "false" {
		return metav1.FieldValidationIgnore
	}
	return metav1.FieldValidationStrict
}

// tries is how often a request is made that does no harm when made twice, if the
// server does not answer it properly.
var tries = wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Jitter: 0.5, Steps: 5}

// request makes a request when there is a place in flight for it, and again if
// the server fails.
func (a *Applier) request(ctx context.Context, do func() error) error {
	return retry.OnError(tries, func(err error) bool { return ctx.Err() == nil && cluster.Passing(err) }, func() error {
		if err := a.flight.acquire(ctx); err != nil {
			return err
		}
		defer a.flight.release()
		return do()
	})
}
