package apply

import (
	"context"
	"errors"
	"fmt"
	"path"

	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/render/manifest"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/kubernetes/scheme"
)

// clientSide says that an object is to be applied as kubectl did for years:
// ServerSideApply=false. A Secret never is, for the last state would be kept in
// an annotation (DESIGN.md D4).
func (o Options) clientSide(object *manifest.Object) bool {
	return o.of(object, "ServerSideApply") == "false" && object.Data() == nil
}

// clientSide merges three ways: the last state, in kubectl's annotation, the
// live one and the desired one. The server-side apply after it makes what Git
// states ours, by which drift is known (DESIGN.md D7).
func (a *Applier) clientSide(ctx context.Context, o *manifest.Object, options Options) (answer map[string]any, created bool, err error) {
	live, err := a.cluster.Get(ctx, o.GVK(), o.Key.Namespace, o.Key.Name)
	if apierrors.IsNotFound(err) {
		return a.create(ctx, o, options)
	}
	if err != nil {
		return nil, false, fmt.Errorf("read the live object: %w", err)
	}
	kind, patch, err := threeWay(o, live)
	if err != nil {
		return nil, false, fmt.Errorf("merge with the live object: %w", err)
	}
	url, err := a.url(ctx, o.GVK(), o.Key)
	if err != nil {
		return nil, false, err
	}
	err = a.request(ctx, func() error {
		return a.client.Patch(kind).AbsPath(url).Param("fieldManager", diff.Manager).
			Param("fieldValidation", options.validation(o)).Body(patch).Do(ctx).Error()
	})
	if err != nil {
		return nil, false, rejected(o, err)
	}
	return a.apply(ctx, o, false)
}

// create makes the object, with the annotation that the next merge needs.
func (a *Applier) create(ctx context.Context, o *manifest.Object, options Options) (answer map[string]any, created bool, err error) {
	body, err := remembering(o)
	if err != nil {
		return nil, false, err
	}
	url, err := a.url(ctx, o.GVK(), o.Key)
	if err != nil {
		return nil, false, err
	}
	err = a.request(ctx, func() error {
		return a.client.Post().AbsPath(path.Dir(url)).Param("fieldManager", diff.Manager).
			Param("fieldValidation", options.validation(o)).SetHeader("Content-Type", "application/json").Body(body).Do(ctx).Error()
	})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return nil, false, rejected(o, err)
	}
	answer, _, err = a.apply(ctx, o, false)
	return answer, true, err
}

// remembering returns the object's body with kubectl's annotation of its last
// state.
func remembering(o *manifest.Object) ([]byte, error) {
	return edited(o, func(u *unstructured.Unstructured) {
		annotations := u.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[corev1.LastAppliedConfigAnnotation] = string(o.JSON())
		u.SetAnnotations(annotations)
	})
}

// threeWay makes the patch: a strategic merge for the kinds that Kubernetes
// brings along, a JSON merge for others.
func threeWay(o *manifest.Object, live map[string]any) (types.PatchType, []byte, error) {
	last := (&unstructured.Unstructured{Object: live}).GetAnnotations()[corev1.LastAppliedConfigAnnotation]
	noted, err := remembering(o)
	if err != nil {
		return "", nil, err
	}
	current, err := utiljson.Marshal(live)
	if err != nil {
		return "", nil, err
	}
	typed, err := scheme.Scheme.New(o.GVK())
	if err != nil {
		patch, err := jsonmergepatch.CreateThreeWayJSONMergePatch([]byte(last), noted, current)
		return types.MergePatchType, patch, err
	}
	meta, err := strategicpatch.NewPatchMetaFromStruct(typed)
	if err != nil {
		return "", nil, err
	}
	patch, err := strategicpatch.CreateThreeWayMergePatch([]byte(last), noted, current, meta, true)
	if err != nil {
		return "", nil, errors.Join(errors.New("strategic merge"), err)
	}
	return types.StrategicMergePatchType, patch, nil
}
