package install

import (
	"fmt"
	"slices"

	"github.com/tidelock-io/tidelock/agent/api"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

// An Object is one Kubernetes object, as its YAML document says.
type Object map[string]any

// Definitions are the CustomResourceDefinitions of the API's three kinds.
func Definitions() ([]Object, error) {
	var all []Object
	for _, text := range api.CRDs() {
		var o Object
		if err := yaml.Unmarshal([]byte(text), &o); err != nil {
			return nil, fmt.Errorf("read a CustomResourceDefinition: %w", err)
		}
		all = append(all, o)
	}
	return all, nil
}

// Objects are all that an installation consists of but the definitions, in an order
// in which they can be applied.
func Objects(o Options) ([]Object, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	return o.objects()
}

// objects are those of options that may not have been checked.
func (o Options) objects() ([]Object, error) {
	typed := []runtime.Object{o.account()}
	if !o.KeepNamespace && !o.Shadow {
		typed = slices.Insert(typed, 0, runtime.Object(o.namespace()))
	}
	typed = append(typed, o.rights()...)
	typed = append(typed, o.deployment(), o.budget(), o.service(), o.networkPolicy())
	var all []Object
	for _, t := range typed {
		object, err := untyped(t)
		if err != nil {
			return nil, err
		}
		all = append(all, object)
	}
	if o.Monitoring {
		all = append(all, o.serviceMonitor(), o.rules())
	}
	return all, nil
}

func untyped(t runtime.Object) (Object, error) {
	body, err := runtime.DefaultUnstructuredConverter.ToUnstructured(t)
	if err != nil {
		return nil, err
	}
	return bare(body), nil
}

// bare is a body without what Go's types print of nothing.
func bare(body map[string]any) Object {
	delete(body, "status")
	if spec, ok := body["spec"].(map[string]any); ok && len(spec) == 0 {
		delete(body, "spec")
	}
	var walk func(node any)
	walk = func(node any) {
		switch node := node.(type) {
		case map[string]any:
			for key, value := range node {
				if value == nil {
					delete(node, key)
				}
				walk(value)
			}
		case []any:
			for _, item := range node {
				walk(item)
			}
		}
	}
	walk(body)
	return body
}

func (o Options) namespace() *corev1.Namespace {
	return &corev1.Namespace{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"},
		ObjectMeta: metav1.ObjectMeta{Name: o.Namespace, Labels: map[string]string{
			"pod-security.kubernetes.io/enforce": "restricted",
		}},
	}
}

func (o Options) account() *corev1.ServiceAccount {
	return &corev1.ServiceAccount{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"}, ObjectMeta: o.meta(),
	}
}

// meta is that of an object of the agent's namespace.
func (o Options) meta() metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: Name, Namespace: o.Namespace, Labels: labels()}
}

// clusterMeta is that of an object of no namespace. Two installations in one cluster
// must not share it.
func (o Options) clusterMeta() metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: o.Namespace + ":" + Name, Labels: labels()}
}

// labels are on all objects.
func labels() map[string]string {
	return map[string]string{"app.kubernetes.io/name": Name, "app.kubernetes.io/part-of": Name}
}

// selector are those of labels that find the pods.
func selector() map[string]string { return map[string]string{"app.kubernetes.io/name": Name} }
