package kube

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A Kind is a kind that the server serves.
type Kind struct {
	schema.GroupVersionKind
	Resource   string // in plural
	Namespaced bool
	// Status: only controllers write the field status, as a subresource.
	Status bool
	// Counted: metadata.generation counts what is written to it.
	Counted bool
	custom  bool // defined by an object of the server itself, or by nobody
	// unowned: nobody asks who owns which of its fields, and none are kept, for that
	// costs more than all else.
	unowned bool
}

// builtin are the kinds that are served from the start.
var builtin = []*Kind{
	{gvk("", "v1", "Namespace"), "namespaces", false, true, false, false, false},
	{gvk("", "v1", "ConfigMap"), "configmaps", true, false, false, false, false},
	{gvk("", "v1", "Secret"), "secrets", true, false, false, false, false},
	{gvk("", "v1", "Service"), "services", true, true, false, false, false},
	{gvk("", "v1", "ServiceAccount"), "serviceaccounts", true, false, false, false, false},
	{gvk("", "v1", "PersistentVolumeClaim"), "persistentvolumeclaims", true, true, false, false, false},
	{gvk("apps", "v1", "Deployment"), "deployments", true, true, true, false, false},
	{gvk("apps", "v1", "ReplicaSet"), "replicasets", true, true, true, false, false},
	{gvk("batch", "v1", "Job"), "jobs", true, true, true, false, false},
	{gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition"), "customresourcedefinitions", false, true, true, false, false},
	{gvk("coordination.k8s.io", "v1", "Lease"), "leases", true, false, false, false, true},
	{gvk("argoproj.io", "v1alpha1", "Application"), "applications", true, false, true, true, true},
	{gvk("argoproj.io", "v1alpha1", "AppProject"), "appprojects", true, false, true, true, true},
}

func gvk(group, version, kind string) schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: group, Version: version, Kind: kind}
}

var (
	namespaces  = builtin[0]
	definitions = builtin[slices.IndexFunc(builtin, func(k *Kind) bool { return k.Kind == "CustomResourceDefinition" })]
	replicaSets = builtin[slices.IndexFunc(builtin, func(k *Kind) bool { return k.Kind == "ReplicaSet" })]
)

func (k *Kind) groupResource() schema.GroupResource {
	return schema.GroupResource{Group: k.Group, Resource: k.Resource}
}

// definedBy reads the kinds of a CustomResourceDefinition.
func definedBy(crd map[string]any) (kinds []*Kind) {
	spec := mapAt(crd, "spec")
	names := mapAt(spec, "names")
	versions, _ := spec["versions"].([]any)
	for _, item := range versions {
		version, _ := item.(map[string]any)
		if version["served"] != true {
			continue
		}
		kinds = append(kinds, &Kind{
			GroupVersionKind: gvk(textAt(spec, "group"), textAt(version, "name"), textAt(names, "kind")),
			Resource:         textAt(names, "plural"),
			Namespaced:       textAt(spec, "scope") == "Namespaced",
			Status:           mapAt(version, "subresources")["status"] != nil,
			Counted:          true, custom: true,
		})
	}
	return kinds
}

// find returns the kind of a resource, nil if none is served.
func (s *Server) find(group, version, resource string) *Kind {
	for _, k := range s.kinds {
		if k.Resource == resource && k.Group == group && k.Version == version {
			return k
		}
	}
	return nil
}

func mapAt(m map[string]any, path ...string) map[string]any {
	for _, field := range path {
		m, _ = m[field].(map[string]any)
	}
	return m
}

func textAt(m map[string]any, path ...string) string {
	s, _ := mapAt(m, path[:len(path)-1]...)[path[len(path)-1]].(string)
	return s
}

func numberAt(m map[string]any, path ...string) int64 {
	n, _ := mapAt(m, path[:len(path)-1]...)[path[len(path)-1]].(int64)
	return n
}

// sets puts a value at a path, and makes the maps on the way.
func sets(m map[string]any, value any, path ...string) {
	for _, field := range path[:len(path)-1] {
		next, ok := m[field].(map[string]any)
		if !ok {
			next = map[string]any{}
			m[field] = next
		}
		m = next
	}
	m[path[len(path)-1]] = value
}

func textsAt(m map[string]any, path ...string) (texts []string) {
	list, _ := mapAt(m, path[:len(path)-1]...)[path[len(path)-1]].([]any)
	for _, item := range list {
		if s, ok := item.(string); ok {
			texts = append(texts, s)
		}
	}
	return texts
}

// setTexts stores a list of texts; an empty one is no field.
func setTexts(m map[string]any, texts []string, path ...string) {
	parent := mapAt(m, path[:len(path)-1]...)
	if len(texts) == 0 {
		delete(parent, path[len(path)-1])
		return
	}
	list := make([]any, len(texts))
	for i, s := range texts {
		list[i] = s
	}
	sets(m, list, path...)
}

// singular is what a kind is called in discovery.
func (k *Kind) singular() string { return strings.ToLower(k.Kind) }
