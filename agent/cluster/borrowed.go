package cluster

import (
	"strings"

	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/secrets/sealed"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// borrowed are sync options of a Secret that its owner lets a SealedSecret add to,
// and not own: it is not deleted when the SealedSecret goes (SEMANTICS.md 4.1). A
// Secret that we have made with that annotation is ours, for nobody else states it.
func borrowed(u *unstructured.Unstructured) string {
	has := u.GetAnnotations()
	if u.GetKind() != "Secret" || has[sealed.AnnotationPatch] != "true" || has[sealed.AnnotationManaged] == "true" {
		return ""
	}
	for _, entry := range u.GetManagedFields() {
		ours := entry.Manager == diff.Manager && entry.Operation == metav1.ManagedFieldsOperationApply
		if !ours && entry.FieldsV1 != nil && strings.Contains(string(entry.FieldsV1.GetRawBytes()), `"f:`+sealed.AnnotationPatch+`"`) {
			return "Prune=false,Delete=false"
		}
	}
	return ""
}
