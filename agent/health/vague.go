package health

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Vague says that nothing in an object's status tells which generation it is
// about, so that right after a change it may still be about the one before. Of
// Kubernetes' own kinds none is: those that have a controller say it, or their
// check knows.
func Vague(object map[string]any) bool {
	u := &unstructured.Unstructured{Object: object}
	group := u.GroupVersionKind().Group
	if !strings.Contains(group, ".") || strings.HasSuffix(group, ".k8s.io") {
		return false
	}
	if _, found, _ := unstructured.NestedFieldNoCopy(object, "status", "observedGeneration"); found {
		return false
	}
	list, _, _ := unstructured.NestedFieldNoCopy(object, "status", "conditions")
	conditions, _ := list.([]any)
	for _, item := range conditions {
		if c, _ := item.(map[string]any); c["observedGeneration"] != nil {
			return false
		}
	}
	return true
}
