package policy

import (
	"encoding/json"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	nodev1 "k8s.io/api/node/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"

	"github.com/tidelock-io/tidelock/render/manifest"
)

// scheme has the types of Kubernetes' kinds: policies see objects through these.
var scheme = func() *runtime.Scheme {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		admissionv1.AddToScheme, appsv1.AddToScheme, autoscalingv1.AddToScheme, autoscalingv2.AddToScheme, batchv1.AddToScheme,
		coordinationv1.AddToScheme, corev1.AddToScheme, discoveryv1.AddToScheme, networkingv1.AddToScheme, nodev1.AddToScheme,
		policyv1.AddToScheme, rbacv1.AddToScheme, schedulingv1.AddToScheme, storagev1.AddToScheme,
	} {
		utilruntime.Must(add(s))
	}
	return s
}()

// completed is an object of one of Kubernetes' kinds with the defaults that an API
// server sets before policies see it; false if it cannot be one.
func completed(o *manifest.Object) (runtime.Object, bool) {
	typed, err := scheme.New(o.GVK())
	if err != nil {
		return &unstructured.Unstructured{Object: o.Body()}, true
	}
	if json.Unmarshal(o.JSON(), typed) != nil {
		return nil, false // told by its schema
	}
	typed.GetObjectKind().SetGroupVersionKind(o.GVK())
	complete(typed)
	return typed, true
}

// complete sets defaults. A test holds it against an API server.
func complete(typed runtime.Object) {
	switch o := typed.(type) {
	case *corev1.Pod:
		completePod(o)
	case *corev1.PodTemplate:
		completePodSpec(&o.Template.Spec)
	case *corev1.ReplicationController:
		completeReplicationController(o)
	case *corev1.Service:
		completeService(o)
	case *corev1.Namespace:
		o.Labels = withName(o.Name, o.Labels)
		o.Spec.Finalizers = []corev1.FinalizerName{corev1.FinalizerKubernetes}
		o.Status.Phase = corev1.NamespaceActive
	case *corev1.PersistentVolume:
		completeVolume(o)
	case *corev1.PersistentVolumeClaim:
		completeClaim(&o.Spec)
		unset(&o.Status.Phase, corev1.ClaimPending)
	case *corev1.LimitRange:
		completeLimitRange(o)
	case *appsv1.Deployment:
		completeDeployment(o)
	case *appsv1.StatefulSet:
		completeStatefulSet(o)
	case *appsv1.DaemonSet:
		completeDaemonSet(o)
	case *appsv1.ReplicaSet:
		point(&o.Spec.Replicas, 1)
		completePodSpec(&o.Spec.Template.Spec)
	case *batchv1.Job:
		completeJob(o)
	case *batchv1.CronJob:
		completeCronJob(o)
	case *autoscalingv2.HorizontalPodAutoscaler:
		completeAutoscaler(o)
	case *networkingv1.NetworkPolicy:
		completeNetworkPolicy(o)
	case *rbacv1.RoleBinding:
		completeBinding(&o.RoleRef, o.Subjects)
	case *rbacv1.ClusterRoleBinding:
		completeBinding(&o.RoleRef, o.Subjects)
	case *storagev1.StorageClass:
		point(&o.ReclaimPolicy, corev1.PersistentVolumeReclaimDelete)
		point(&o.VolumeBindingMode, storagev1.VolumeBindingImmediate)
	case *schedulingv1.PriorityClass:
		point(&o.PreemptionPolicy, corev1.PreemptLowerPriority)
	}
}

// point sets what is not there.
func point[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}

// unset sets what is empty.
func unset[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
