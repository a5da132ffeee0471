package api

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Group and Version name the API. They are Argo CD's on purpose.
const (
	Group   = "argoproj.io"
	Version = "v1alpha1"
)

// Kinds of the API's objects.
const (
	ApplicationKind    = "Application"
	AppProjectKind     = "AppProject"
	ApplicationSetKind = "ApplicationSet"
)

// Resource names, as in URLs and RBAC rules.
const (
	ApplicationResource    = "applications"
	AppProjectResource     = "appprojects"
	ApplicationSetResource = "applicationsets"
)

// Names that kubectl accepts in place of the resource names.
const (
	ApplicationShortName    = "app"
	AppProjectShortName     = "appproj"
	ApplicationSetShortName = "appset"
)

// GroupVersion is argoproj.io/v1alpha1.
var GroupVersion = schema.GroupVersion{Group: Group, Version: Version}

// Resource is one of the API's resources, by its name.
func Resource(name string) schema.GroupResource {
	return GroupVersion.WithResource(name).GroupResource()
}

// AddToScheme makes the API's kinds known to a scheme, for typed clients and decoders.
func AddToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion,
		&Application{}, &ApplicationList{},
		&AppProject{}, &AppProjectList{},
		&ApplicationSet{}, &ApplicationSetList{},
	)
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
