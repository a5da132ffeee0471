package kube

import (
	"net/http"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/client-go/kubernetes/scheme"
)

// managers keep managedFields: one for each kind, and for its status.
var managers sync.Map // of managerKey to *managedfields.FieldManager

type managerKey struct {
	kind   schema.GroupVersionKind
	status bool
}

var schemas = sync.OnceValue(func() managedfields.TypeConverter { return applyconfigurations.NewTypeConverter(scheme.Scheme) })

func fieldManager(k *Kind, status bool) (*managedfields.FieldManager, error) {
	key := managerKey{k.GroupVersionKind, status}
	if known, ok := managers.Load(key); ok {
		return known.(*managedfields.FieldManager), nil
	}
	subresource := ""
	if status {
		subresource = "status"
	}
	var m *managedfields.FieldManager
	var err error
	if k.custom || !scheme.Scheme.Recognizes(k.GroupVersionKind) {
		m, err = managedfields.NewDefaultCRDFieldManager(managedfields.NewDeducedTypeConverter(), plain{}, plain{}, plain{},
			k.GroupVersionKind, k.GroupVersion(), subresource, nil)
	} else {
		m, err = managedfields.NewDefaultFieldManager(schemas(), plain{}, plain{}, plain{},
			k.GroupVersionKind, k.GroupVersion(), subresource, nil)
	}
	if err != nil {
		return nil, err
	}
	known, _ := managers.LoadOrStore(key, m)
	return known.(*managedfields.FieldManager), nil
}

// plain converts between versions of which there is one.
type plain struct{}

func (plain) Convert(_, _, _ any) error { return nil }
func (plain) ConvertToVersion(in runtime.Object, _ runtime.GroupVersioner) (runtime.Object, error) {
	return in, nil
}
func (plain) ConvertFieldLabel(_ schema.GroupVersionKind, label, value string) (string, string, error) {
	return label, value, nil
}
func (plain) Default(runtime.Object) {}
func (plain) New(kind schema.GroupVersionKind) (runtime.Object, error) {
	u := &unstructured.Unstructured{}
	u.SetGroupVersionKind(kind)
	return u, nil
}

// owned notes in managedFields what a write that is no apply has changed.
func owned(c call, live, next map[string]any) (map[string]any, error) {
	if c.kind.unowned {
		return next, nil
	}
	m, err := fieldManager(c.kind, c.status)
	if err != nil {
		return nil, err
	}
	before := &unstructured.Unstructured{Object: live}
	if len(live) == 0 {
		before.Object = map[string]any{"apiVersion": next["apiVersion"], "kind": next["kind"], "metadata": map[string]any{}}
	}
	after := m.UpdateNoErrors(before, &unstructured.Unstructured{Object: next}, c.manager)
	return after.(*unstructured.Unstructured).Object, nil
}

// merged applies a patch over what is live. The result shares maps with it.
func merged(c call, live, patch map[string]any) (map[string]any, error) {
	m, err := fieldManager(c.kind, c.status)
	if err != nil {
		return nil, err
	}
	after, err := m.Apply(&unstructured.Unstructured{Object: live}, &unstructured.Unstructured{Object: patch}, c.manager, c.force)
	if err != nil {
		if _, ok := err.(apierrors.APIStatus); ok {
			return nil, err
		}
		return nil, apierrors.NewGenericServerResponse(http.StatusInternalServerError, "patch", c.kind.groupResource(), c.name, err.Error(), 0, true)
	}
	return after.(*unstructured.Unstructured).Object, nil
}
