package validate

import (
	"fmt"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A retirement is the end of kinds in an API version of Kubernetes. The sources
// are its deprecation guide and the lifecycle marks of its types.
type retirement struct {
	version     string   // of the API
	kinds       []string // none are all
	deprecated  string   // Kubernetes' version, "" unknown
	removed     string   // "" not yet decided
	replacement string
}

var retirements = []retirement{
	{"extensions/v1beta1", []string{"Deployment", "DaemonSet", "ReplicaSet"}, "1.8", "1.16", "apps/v1"},
	{"extensions/v1beta1", []string{"NetworkPolicy"}, "1.9", "1.16", "networking.k8s.io/v1"},
	{"extensions/v1beta1", []string{"PodSecurityPolicy"}, "1.10", "1.16", "Pod Security Admission"},
	{"extensions/v1beta1", []string{"Ingress"}, "1.14", "1.22", "networking.k8s.io/v1"},
	{"apps/v1beta1", nil, "1.9", "1.16", "apps/v1"},
	{"apps/v1beta2", nil, "1.9", "1.16", "apps/v1"},
	{"admissionregistration.k8s.io/v1beta1", []string{"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"}, "1.16", "1.22", "admissionregistration.k8s.io/v1"},
	{"apiextensions.k8s.io/v1beta1", nil, "1.16", "1.22", "apiextensions.k8s.io/v1"},
	{"apiregistration.k8s.io/v1beta1", nil, "1.19", "1.22", "apiregistration.k8s.io/v1"},
	{"authentication.k8s.io/v1beta1", []string{"TokenReview"}, "1.19", "1.22", "authentication.k8s.io/v1"},
	{"certificates.k8s.io/v1beta1", []string{"CertificateSigningRequest"}, "1.19", "1.22", "certificates.k8s.io/v1"},
	{"coordination.k8s.io/v1beta1", []string{"Lease"}, "1.19", "1.22", "coordination.k8s.io/v1"},
	{"networking.k8s.io/v1beta1", []string{"Ingress", "IngressClass"}, "1.19", "1.22", "networking.k8s.io/v1"},
	{"rbac.authorization.k8s.io/v1beta1", nil, "1.17", "1.22", "rbac.authorization.k8s.io/v1"},
	{"rbac.authorization.k8s.io/v1alpha1", nil, "1.20", "1.23", "rbac.authorization.k8s.io/v1"},
	{"scheduling.k8s.io/v1beta1", []string{"PriorityClass"}, "1.14", "1.22", "scheduling.k8s.io/v1"},
	{"storage.k8s.io/v1beta1", []string{"CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"}, "1.19", "1.22", "storage.k8s.io/v1"},
	{"storage.k8s.io/v1beta1", []string{"CSIStorageCapacity"}, "1.24", "1.27", "storage.k8s.io/v1"},
	{"batch/v1beta1", []string{"CronJob"}, "1.21", "1.25", "batch/v1"},
	{"batch/v2alpha1", []string{"CronJob"}, "1.8", "1.21", "batch/v1"},
	{"discovery.k8s.io/v1beta1", []string{"EndpointSlice"}, "1.21", "1.25", "discovery.k8s.io/v1"},
	{"events.k8s.io/v1beta1", []string{"Event"}, "1.22", "1.25", "events.k8s.io/v1"},
	{"autoscaling/v2beta1", nil, "1.22", "1.25", "autoscaling/v2"},
	{"autoscaling/v2beta2", nil, "1.23", "1.26", "autoscaling/v2"},
	{"policy/v1beta1", []string{"PodDisruptionBudget"}, "1.21", "1.25", "policy/v1"},
	{"policy/v1beta1", []string{"PodSecurityPolicy"}, "1.21", "1.25", "Pod Security Admission"},
	{"node.k8s.io/v1beta1", []string{"RuntimeClass"}, "1.22", "1.25", "node.k8s.io/v1"},
	{"flowcontrol.apiserver.k8s.io/v1alpha1", nil, "1.21", "1.24", "flowcontrol.apiserver.k8s.io/v1"},
	{"flowcontrol.apiserver.k8s.io/v1beta1", nil, "1.23", "1.26", "flowcontrol.apiserver.k8s.io/v1"},
	{"flowcontrol.apiserver.k8s.io/v1beta2", nil, "1.26", "1.29", "flowcontrol.apiserver.k8s.io/v1"},
	{"flowcontrol.apiserver.k8s.io/v1beta3", nil, "1.29", "1.32", "flowcontrol.apiserver.k8s.io/v1"},
	{"v1", []string{"Endpoints"}, "1.33", "", "discovery.k8s.io/v1 EndpointSlice"},
	{"v1", []string{"ComponentStatus"}, "1.19", "", ""},
}

// deprecation tells of an API version that is, or will be, removed.
func deprecation(r *report, kubernetes string) {
	e, ok := retired(r.object.GVK())
	if !ok {
		return
	}
	hint := ""
	if e.replacement != "" {
		hint = "use " + e.replacement
	}
	what := fmt.Sprintf("%s %s", r.object.APIVersion(), r.object.Key.Kind)
	switch {
	case e.removed != "" && atLeast(kubernetes, e.removed):
		r.add(RuleRemoved, "apiVersion", fmt.Sprintf("%s was removed in Kubernetes %s", what, e.removed), hint)
	case atLeast(kubernetes, e.deprecated):
		text := fmt.Sprintf("%s is deprecated since Kubernetes %s", what, e.deprecated)
		if e.removed != "" {
			text += ", and removed in " + e.removed
		}
		r.add(RuleDeprecated, "apiVersion", text, hint)
	}
}

// removedBy says whether a kind is removed in a version.
func removedBy(gvk schema.GroupVersionKind, kubernetes string) (retirement, bool) {
	e, ok := retired(gvk)
	return e, ok && e.removed != "" && atLeast(kubernetes, e.removed)
}

func retired(gvk schema.GroupVersionKind) (retirement, bool) {
	for _, e := range retirements {
		if e.version != gvk.GroupVersion().String() {
			continue
		}
		if len(e.kinds) == 0 {
			return e, true
		}
		for _, kind := range e.kinds {
			if kind == gvk.Kind {
				return e, true
			}
		}
	}
	return retirement{}, false
}

// atLeast compares versions such as 1.37.
func atLeast(version, least string) bool {
	major, minor := numbers(version)
	wantMajor, wantMinor := numbers(least)
	return major > wantMajor || major == wantMajor && minor >= wantMinor
}

func numbers(version string) (major, minor int) {
	first, second, _ := strings.Cut(version, ".")
	major, _ = strconv.Atoi(first)
	minor, _ = strconv.Atoi(second)
	return major, minor
}
