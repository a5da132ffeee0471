package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets/sealed"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// A Secret that is made of a SealedSecret may be there already, as something that
// is not ours. The SealedSecret's controller leaves such a one alone, unless the
// Secret itself says otherwise (SEMANTICS.md 4.1), and so do we:
//
//   - What its controller has made, before it left, is taken over.
//   - managed: "true" lets it be replaced and taken over.
//   - patch: "true" lets data, labels and annotations be added to it. It stays
//     when the SealedSecret goes.
//   - With both it is added to, and is ours from then on.

// An adoption is what becomes of what is there.
type adoption int

const (
	adds     adoption = iota // server-side apply: what others have stays
	replaces                 // nothing of what others have stays
)

// ErrUnmanaged says that a Secret is there which nobody has given to the
// SealedSecret of its name.
var ErrUnmanaged = errors.New("the Secret is there already and is not managed by the SealedSecret (hint: " +
	"annotate that Secret with " + sealed.AnnotationManaged + `: "true" to have it replaced, or with ` + sealed.AnnotationPatch +
	`: "true" to have it added to; or delete it)`)

// adoption says how to bring an object to the server, of which no record says that
// it is ours.
func (a *Applier) adoption(ctx context.Context, c diff.Change) (adoption, error) {
	if c.Live != nil && c.Live.App != "" || !ofSealed(c.Desired) {
		return adds, nil
	}
	object, err := a.cluster.Get(ctx, c.Desired.GVK(), c.Key.Namespace, c.Key.Name)
	switch {
	case apierrors.IsNotFound(err):
		return adds, nil
	case err != nil:
		return adds, fmt.Errorf("read the live object: %w", err)
	}
	return adoptionOf(c.Desired, &unstructured.Unstructured{Object: object})
}

func ofSealed(o *manifest.Object) bool { return o.MadeOf.Kind == "SealedSecret" }

// adoptionOf is adoption, of a live object.
func adoptionOf(o *manifest.Object, live *unstructured.Unstructured) (adoption, error) {
	has := live.GetAnnotations()
	id := has[api.AnnotationTrackingID]
	switch {
	case !ofSealed(o), id != "" && id == o.Annotations[api.AnnotationTrackingID]:
		return adds, nil
	case has[sealed.AnnotationPatch] == "true":
		return adds, nil
	case has[sealed.AnnotationManaged] == "true", controlledBy(live, o.MadeOf):
		return replaces, nil
	case applied(live): // and somebody has taken our marks off
		return adds, nil
	}
	return adds, ErrUnmanaged
}

// applied says that we have stated the object, and own fields of it.
func applied(live *unstructured.Unstructured) bool {
	return slices.ContainsFunc(live.GetManagedFields(), func(entry metav1.ManagedFieldsEntry) bool {
		return entry.Manager == diff.Manager && entry.Operation == metav1.ManagedFieldsOperationApply && entry.Subresource == ""
	})
}

func controlledBy(live *unstructured.Unstructured, source manifest.Key) bool {
	return slices.ContainsFunc(live.GetOwnerReferences(), func(r metav1.OwnerReference) bool {
		return r.Controller != nil && *r.Controller && r.Kind == source.Kind && r.Name == source.Name
	})
}

// takeOver puts a Secret in the place of another, by one request: until then it is
// the other, and afterwards it is ours. Finalizers stay, for they are promises to
// others, and so does that it cannot be changed, which cannot be undone.
func (a *Applier) takeOver(ctx context.Context, o *manifest.Object, options Options) (answer map[string]any, created bool, err error) {
	object, err := a.cluster.Get(ctx, o.GVK(), o.Key.Namespace, o.Key.Name)
	if apierrors.IsNotFound(err) {
		return a.apply(ctx, o, false)
	}
	if err != nil {
		return nil, false, fmt.Errorf("read the live object: %w", err)
	}
	was := &unstructured.Unstructured{Object: object}
	err = a.put(ctx, o, options, func(next *unstructured.Unstructured) {
		next.SetResourceVersion(was.GetResourceVersion())
		next.SetFinalizers(was.GetFinalizers())
		for _, field := range []string{"immutable", "type"} {
			if _, stated := next.Object[field]; !stated && object[field] != nil {
				next.Object[field] = object[field]
			}
		}
	})
	if err != nil {
		return nil, false, err
	}
	if answer, _, err = a.apply(ctx, o, false); err != nil {
		return nil, false, err
	}
	// What the request above wrote would stay when Git drops it.
	if err := a.takeFields(ctx, o, &unstructured.Unstructured{Object: answer}, []string{diff.Manager}); err != nil {
		return nil, false, err
	}
	answer, _, err = a.apply(ctx, o, false)
	return answer, false, err
}
