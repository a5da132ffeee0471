// Package api holds the objects that users write and dashboards read: Application,
// AppProject and ApplicationSet of argoproj.io/v1alpha1, with the JSON names of
// Argo CD 3.6, so that an object of either agent works with the other.
//
// Start at [Application]. The types carry no behaviour but what their own fields
// decide: defaults (defaults.go), validation with field paths (validate.go) and the
// tracking id (tracking.go). The package imports apimachinery only.
//
// A pointer, or omitzero in place of omitempty, means that absent and empty differ;
// the field's comment says how.
//
// +kubebuilder:object:generate=true
// +groupName=argoproj.io
// +versionName=v1alpha1
package api

//go:generate go run sigs.k8s.io/controller-tools/cmd/controller-gen@v0.23.0 object crd:maxDescLen=0 paths=. output:crd:dir=crds
//go:generate mv crds/argoproj.io_applications.yaml crds/application-crd.yaml
//go:generate mv crds/argoproj.io_appprojects.yaml crds/appproject-crd.yaml
//go:generate mv crds/argoproj.io_applicationsets.yaml crds/applicationset-crd.yaml
