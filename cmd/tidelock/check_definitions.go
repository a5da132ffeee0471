package main

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/install"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// applyDefinitions is what to do about definitions.
const applyDefinitions = "tidelock install --crds-only | kubectl apply --server-side -f -"

// lookDefinitions compares the CustomResourceDefinitions with ours.
func (c *checker) lookDefinitions(ctx context.Context, a *area) {
	ours, err := install.Definitions()
	if err != nil {
		a.unread("the definitions of this program", err)
		return
	}
	client, err := dynamic.NewForConfig(c.cfg)
	if err != nil {
		a.unread("the definitions", err)
		return
	}
	resource := client.Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	for _, own := range ours {
		name := (&unstructured.Unstructured{Object: own}).GetName()
		live, err := resource.Get(ctx, name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			a.wrong(applyDefinitions, "there is no CustomResourceDefinition %s", name)
		case err != nil:
			a.unread("CustomResourceDefinition "+name, err)
		default:
			lookDefinition(a, name, live.Object, own)
		}
	}
}

func lookDefinition(a *area, name string, live, own map[string]any) {
	theirs, served := schemaOf(live)
	ours, _ := schemaOf(own)
	if !served {
		a.wrong(applyDefinitions, "CustomResourceDefinition %s does not serve version v1alpha1", name)
		return
	}
	missing := missingFields(ours, theirs, "")
	if len(missing) == 0 {
		a.ok("CustomResourceDefinition %s", name)
		return
	}
	a.warn(applyDefinitions+" (all that Argo CD's accept is accepted still)",
		"CustomResourceDefinition %s lacks %d fields, which the API server drops when they are written: %s", name, len(missing), listedNames(missing))
}

// schemaOf is the schema of version v1alpha1, if that is served.
func schemaOf(definition map[string]any) (schema map[string]any, served bool) {
	versions, _, _ := unstructured.NestedSlice(definition, "spec", "versions")
	for _, v := range versions {
		version, _ := v.(map[string]any)
		if version["name"] != "v1alpha1" {
			continue
		}
		served, _ = version["served"].(bool)
		schema, _, _ = unstructured.NestedMap(version, "schema", "openAPIV3Schema")
	}
	return schema, served
}

// missingFields are the paths that one schema knows, and another does not.
func missingFields(ours, theirs map[string]any, path string) (missing []string) {
	if theirs["x-kubernetes-preserve-unknown-fields"] == true {
		return nil
	}
	for _, child := range []string{"items", "additionalProperties"} {
		own, ok := ours[child].(map[string]any)
		if live, there := theirs[child].(map[string]any); ok && there {
			missing = append(missing, missingFields(own, live, path+"[]")...)
		}
	}
	own, _ := ours["properties"].(map[string]any)
	live, _ := theirs["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(own)) {
		at := strings.TrimPrefix(path+"."+name, ".")
		child, there := live[name].(map[string]any)
		if !there {
			missing = append(missing, at)
			continue
		}
		if next, ok := own[name].(map[string]any); ok {
			missing = append(missing, missingFields(next, child, at)...)
		}
	}
	return missing
}

// shownNames is how many names a finding lists.
const shownNames = 5

// listedNames names the first of some.
func listedNames(names []string) string {
	if len(names) <= shownNames {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:shownNames], ", ") + " and others"
}
