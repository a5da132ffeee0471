package policy

import (
	"encoding/json"
	"errors"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tidelock-io/tidelock/render/manifest"
)

// errNotHere says that parameters may be in the cluster, and are not here.
var errNotHere = errors.New("its parameters are not here")

// params are those that a binding gives a policy for an object: one that is nil if
// there are none to be.
func (c *Cluster) params(kind *admissionv1.ParamKind, ref *admissionv1.ParamRef, namespace string) ([]runtime.Object, error) {
	if kind == nil || ref == nil {
		return []runtime.Object{nil}, nil
	}
	gv, err := schema.ParseGroupVersion(kind.APIVersion)
	if err != nil {
		return nil, err
	}
	gvk := gv.WithKind(kind.Kind)
	namespaced, known := c.compiler.kinds.namespaced(gvk)
	switch {
	case !known:
		return nil, errNotHere
	case !namespaced && ref.Namespace != "":
		return nil, errors.New("paramRef.namespace must not be there for a paramKind that has no namespaces")
	case namespaced && ref.Namespace != "":
		namespace = ref.Namespace
	case namespaced && namespace == "":
		return nil, errors.New("paramRef.namespace must be there, for the policy is for objects without a namespace, too")
	case !namespaced:
		namespace = ""
	}
	found, any, err := c.paramObjects(gvk, ref, namespace)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 && !any {
		return nil, errNotHere
	}
	if len(found) == 0 && ref.ParameterNotFoundAction != nil && *ref.ParameterNotFoundAction == admissionv1.DenyAction {
		return nil, errors.New("no params found for policy binding with `Deny` parameterNotFoundAction")
	}
	return found, nil
}

// paramObjects looks among what is rendered, and says whether any of the kind is.
func (c *Cluster) paramObjects(gvk schema.GroupVersionKind, ref *admissionv1.ParamRef, namespace string) (found []runtime.Object, any bool, err error) {
	selector := labels.Everything()
	if ref.Selector != nil {
		if selector, err = metav1.LabelSelectorAsSelector(ref.Selector); err != nil {
			return nil, false, err
		}
	}
	for _, o := range c.set {
		if o.Key.GroupKind() != gvk.GroupKind() {
			continue
		}
		any = true
		at := o.Key.Namespace
		if namespace == "" {
			at = ""
		}
		named := ref.Name == "" && ref.Selector != nil || ref.Name == o.Key.Name
		if at == namespace && named && selector.Matches(labels.Set(o.Labels)) {
			if seen, ok := c.compiler.seen(o); ok {
				found = append(found, seen)
			}
		}
	}
	return found, any, nil
}

// namespaceOf is the Namespace that an object is in: one that is rendered, or as
// much as is known of any.
func (c *Cluster) namespaceOf(s *subject) (namespace *corev1.Namespace, known bool) {
	name := s.attributes.GetNamespace()
	if name == "" || s.isNamespace() {
		return nil, true
	}
	if namespace := c.namespaces[name]; namespace != nil {
		return namespace, true
	}
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: withName(name, nil)}}, false
}

func namespaceFrom(o *manifest.Object) *corev1.Namespace {
	namespace := &corev1.Namespace{}
	if json.Unmarshal(o.JSON(), namespace) != nil {
		return nil
	}
	namespace.Labels = withName(o.Key.Name, namespace.Labels)
	namespace.Spec.Finalizers = []corev1.FinalizerName{corev1.FinalizerKubernetes}
	namespace.Status.Phase = corev1.NamespaceActive
	return namespace
}
