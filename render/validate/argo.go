package validate

import (
	"encoding/json"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// application looks at objects of Argo CD beyond their schema: what would become a
// condition, and what most likely was not meant.
func application(r *report) {
	if r.object.APIVersion() != api.GroupVersion.String() {
		return
	}
	switch r.object.Key.Kind {
	case api.ApplicationKind:
		argo(r, api.ValidateApplication, api.LintApplication)
	case api.AppProjectKind:
		argo(r, api.ValidateProject, nil)
	case "ApplicationSet":
		argo(r, api.ValidateApplicationSet, nil)
	}
}

func argo[T any](r *report, check func(*T) field.ErrorList, lint func(*T) []string) {
	o := new(T)
	if json.Unmarshal(r.object.JSON(), o) != nil {
		return // told by its schema
	}
	for _, e := range check(o) {
		r.add(RuleApplication, e.Field, customText(e), "")
	}
	if lint == nil {
		return
	}
	for _, text := range lint(o) {
		path, message, ok := strings.Cut(text, ": ")
		if !ok {
			path, message = "", text
		}
		r.add(RuleApplicationLint, path, message, "")
	}
}
