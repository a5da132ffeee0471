package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	esv1 "github.com/external-secrets/external-secrets/apis/externalsecrets/v1"
	genv1alpha1 "github.com/external-secrets/external-secrets/apis/generators/v1alpha1"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// errReadOnly is what a provider gets that asks for more than an object by its
// name: the host answers nothing else.
var errReadOnly = errors.New("only reading one object by its name is possible here")

// objects is the Kubernetes client that external-secrets' code is given. It
// reads through the host.
type objects struct {
	host   sdk.Objects
	scheme *runtime.Scheme
}

var _ client.Client = objects{}

func newObjects(host sdk.Objects) objects {
	scheme := runtime.NewScheme()
	utilruntime.Must(corev1.AddToScheme(scheme))
	utilruntime.Must(esv1.AddToScheme(scheme))
	utilruntime.Must(genv1alpha1.AddToScheme(scheme))
	return objects{host, scheme}
}

// Get reads one object.
func (o objects) Get(ctx context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	gvk, err := o.GroupVersionKindFor(into)
	if err != nil {
		return err
	}
	raw, err := o.host.Get(ctx, gvk.GroupVersion().String(), gvk.Kind, key.Namespace, key.Name)
	if errors.Is(err, fs.ErrNotExist) {
		return apierrors.NewNotFound(schema.GroupResource{Group: gvk.Group, Resource: gvk.Kind}, key.String())
	}
	if err != nil {
		return err
	}
	if len(raw) > maxObject {
		return fmt.Errorf("%s %s: %d bytes, %d are allowed", gvk.Kind, key, len(raw), maxObject)
	}
	switch store := into.(type) {
	case *esv1.SecretStore:
		return unmarshal(raw, esv1.SecretStoreKind, &store.TypeMeta, &store.ObjectMeta, &store.Spec, nil)
	case *esv1.ClusterSecretStore:
		return unmarshal(raw, esv1.ClusterSecretStoreKind, &store.TypeMeta, &store.ObjectMeta, &store.Spec, nil)
	}
	if gvk.Group == genv1alpha1.Group {
		if err := strictly(raw, into); err != nil {
			return fmt.Errorf("%s %s: %w", gvk.Kind, key, err)
		}
		return nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%s %s: malformed", gvk.Kind, key) // the reason may quote a value
	}
	return nil
}

// List is refused: it could show more than is referred to.
func (objects) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	return fmt.Errorf("list %T: %w", list, errReadOnly)
}

func (objects) Create(context.Context, client.Object, ...client.CreateOption) error {
	return errReadOnly
}
func (objects) Delete(context.Context, client.Object, ...client.DeleteOption) error {
	return errReadOnly
}
func (objects) Update(context.Context, client.Object, ...client.UpdateOption) error {
	return errReadOnly
}
func (objects) Patch(context.Context, client.Object, client.Patch, ...client.PatchOption) error {
	return errReadOnly
}
func (objects) Apply(context.Context, runtime.ApplyConfiguration, ...client.ApplyOption) error {
	return errReadOnly
}
func (objects) DeleteAllOf(context.Context, client.Object, ...client.DeleteAllOfOption) error {
	return errReadOnly
}

// Status and SubResource return clients that refuse everything.
func (o objects) Status() client.SubResourceWriter                { return subresource{} }
func (o objects) SubResource(string) client.SubResourceClient     { return subresource{} }
func (o objects) Scheme() *runtime.Scheme                         { return o.scheme }
func (o objects) RESTMapper() meta.RESTMapper                     { return meta.NewDefaultRESTMapper(nil) }
func (o objects) IsObjectNamespaced(runtime.Object) (bool, error) { return false, errReadOnly }

// GroupVersionKindFor tells the kind of obj by its Go type.
func (o objects) GroupVersionKindFor(obj runtime.Object) (schema.GroupVersionKind, error) {
	return apiutil.GVKForObject(obj, o.scheme)
}

// subresource refuses everything.
type subresource struct{}

func (subresource) Get(context.Context, client.Object, client.Object, ...client.SubResourceGetOption) error {
	return errReadOnly
}
func (subresource) Create(context.Context, client.Object, client.Object, ...client.SubResourceCreateOption) error {
	return errReadOnly
}
func (subresource) Update(context.Context, client.Object, ...client.SubResourceUpdateOption) error {
	return errReadOnly
}
func (subresource) Patch(context.Context, client.Object, client.Patch, ...client.SubResourcePatchOption) error {
	return errReadOnly
}
