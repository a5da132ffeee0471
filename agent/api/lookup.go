package api

import (
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Lookups returns the kinds that [AnnotationLookup] lists, as "v1/Secret" and
// "apps/v1/Deployment".
func Lookups(annotations map[string]string) []string {
	var kinds []string
	for kind := range strings.SplitSeq(annotations[AnnotationLookup], ",") {
		if kind = strings.TrimSpace(kind); kind != "" {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

func (w *warnings) lintLookup(annotations map[string]string) {
	for _, kind := range Lookups(annotations) {
		parts := strings.Split(kind, "/")
		if len(parts) < 2 || len(parts) > 3 || strings.ContainsAny(kind, "* ") || strings.Contains("/"+kind+"/", "//") {
			w.addf(field.NewPath("metadata", "annotations").Key(AnnotationLookup), "%q is no kind: write it like v1/Secret or apps/v1/Deployment", clip(kind))
		}
	}
}
