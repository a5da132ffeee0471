package policy

import (
	"errors"

	"github.com/google/cel-go/common/types"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"

	"github.com/tidelock-io/tidelock/render/manifest"
)

// A subject is an object as the API server would show it to a policy.
type subject struct {
	object     *manifest.Object
	attributes admission.Attributes
	versioned  *admission.VersionedAttributes
}

// exempt are the kinds that no policy is asked about.
var exempt = map[string]bool{
	"ValidatingAdmissionPolicy": true, "ValidatingAdmissionPolicyBinding": true,
	"MutatingAdmissionPolicy": true, "MutatingAdmissionPolicyBinding": true,
	"ValidatingWebhookConfiguration": true, "MutatingWebhookConfiguration": true,
}

// subject makes one; false for what no policy is asked about, or nothing is known
// of.
func (c *Compiler) subject(o *manifest.Object) (*subject, bool) {
	gvk := o.GVK()
	if gvk.Group == policyGroup && exempt[gvk.Kind] {
		return nil, false
	}
	resource, ok := c.kinds.resource(gvk)
	if !ok {
		return nil, false
	}
	namespace := o.Key.Namespace
	if namespaced, known := c.kinds.namespaced(gvk); known && !namespaced {
		namespace = ""
	}
	if gvk == corev1.SchemeGroupVersion.WithKind("Namespace") {
		namespace = o.Key.Name // of itself, as the API server has it
	}
	seen, ok := c.seen(o)
	if !ok {
		return nil, false
	}
	s := &subject{object: o}
	s.attributes = admission.NewAttributesRecord(seen, nil, gvk, namespace, o.Key.Name, resource, "", admission.Create, &metav1.CreateOptions{}, false, nil)
	s.versioned = &admission.VersionedAttributes{Attributes: s.attributes, VersionedKind: gvk}
	s.versioned.VersionedObject.Set(seen)
	return s, true
}

func (s *subject) isNamespace() bool {
	return s.attributes.GetKind() == corev1.SchemeGroupVersion.WithKind("Namespace")
}

// as takes the object for one of another version, where that changes nothing but
// the version: of custom kinds. Kubernetes' own it cannot convert.
func (c *Compiler) as(s *subject, kind schema.GroupVersionKind) (*admission.VersionedAttributes, bool) {
	if kind == s.attributes.GetKind() {
		return s.versioned, true
	}
	body, ok := s.attributes.GetObject().(*unstructured.Unstructured)
	if !ok || c.kinds.custom.Plural(kind.GroupKind()) == "" {
		return nil, false
	}
	other := &unstructured.Unstructured{Object: map[string]any{}}
	for key, value := range body.Object {
		other.Object[key] = value
	}
	other.Object["apiVersion"] = kind.GroupVersion().String()
	v := &admission.VersionedAttributes{Attributes: s.attributes, VersionedKind: kind}
	v.VersionedObject.Set(other)
	return v, true
}

// errHidden is in the error of an expression that depends on what a Secret holds.
var errHidden = errors.New("a value of a Secret is hidden from policies")

// seen is the object with its defaults.
func (c *Compiler) seen(o *manifest.Object) (runtime.Object, bool) {
	if o.Key.Group == "" && o.Key.Kind == "Secret" {
		return hidden(o), true
	}
	if _, builtin := c.kinds.version.Kind(o.GVK()); !builtin {
		return &unstructured.Unstructured{Object: c.kinds.custom.Completed(o)}, true
	}
	return completed(o)
}

// hidden is a Secret whose items are there, each of which is an error to look at.
func hidden(o *manifest.Object) runtime.Object {
	body := o.Body()
	if body["type"] == nil {
		body["type"] = string(corev1.SecretTypeOpaque)
	}
	if data := o.Data(); len(data) > 0 {
		items := map[string]any{}
		for key := range data {
			items[key] = types.WrapErr(errHidden)
		}
		body["data"] = items
	}
	return &unstructured.Unstructured{Object: body}
}
