package kube

import (
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// fixed are fields that cannot change.
var fixed = map[string][][]string{
	"Job":        {{"spec", "template"}, {"spec", "selector"}, {"spec", "completions"}},
	"Deployment": {{"spec", "selector"}},
	"Service":    {{"spec", "clusterIP"}},
}

// invalidData is the key by which a ConfigMap or a custom object is refused.
const invalidData = "invalid"

// validate refuses what the real server refuses, as far as anybody here tries it.
func validate(k *Kind, name string, live, next map[string]any) error {
	var errs field.ErrorList
	if live != nil {
		for _, path := range fixed[k.Kind] {
			was, is := at(live, path), at(next, path)
			if was != nil && !same(was, is) {
				errs = append(errs, field.Invalid(field.NewPath(path[0], path[1:]...), "", "field is immutable"))
			}
		}
		if textAt(live, "metadata", "deletionTimestamp") != "" {
			had := textsAt(live, "metadata", "finalizers")
			for _, f := range textsAt(next, "metadata", "finalizers") {
				if !slices.Contains(had, f) {
					errs = append(errs, field.Forbidden(field.NewPath("metadata", "finalizers"),
						fmt.Sprintf("no new finalizers can be added if the object is being deleted, found new finalizers []string{%q}", f)))
				}
			}
		}
	}
	for _, part := range []string{"data", "spec"} {
		if _, ok := mapAt(next, part)[invalidData]; ok {
			errs = append(errs, field.Invalid(field.NewPath(part, invalidData), "", "this is not allowed"))
		}
	}
	if k.Kind == "Deployment" && (mapAt(next, "spec", "selector") == nil || mapAt(next, "spec", "template") == nil) {
		errs = append(errs, field.Required(field.NewPath("spec"), "selector and template are required"))
	}
	if len(errs) == 0 {
		return nil
	}
	return apierrors.NewInvalid(k.GroupKind(), name, errs)
}

func at(m map[string]any, path []string) any {
	return mapAt(m, path[:len(path)-1]...)[path[len(path)-1]]
}

// fillDefaults states what a client has left open, for some of what the real
// server fills in: enough that what comes back is never what was sent.
func fillDefaults(k *Kind, m map[string]any) {
	if _, ok := m["metadata"].(map[string]any); !ok {
		m["metadata"] = map[string]any{}
	}
	for field, value := range defaults[k.Kind] {
		if _, ok := mapAt(m, "spec")[field]; !ok {
			sets(m, value, "spec", field)
		}
	}
	if k == namespaces {
		sets(m, textAt(m, "metadata", "name"), "metadata", "labels", "kubernetes.io/metadata.name")
	}
}

var defaults = map[string]map[string]any{
	"Deployment": {"replicas": int64(1), "revisionHistoryLimit": int64(10), "progressDeadlineSeconds": int64(600)},
	"Job":        {"backoffLimit": int64(6), "completions": int64(1), "parallelism": int64(1), "suspend": false},
	"Service":    {"type": "ClusterIP", "sessionAffinity": "None", "clusterIP": "10.0.0.1"},
}
