package api

import _ "embed"

//go:embed crds/application-crd.yaml
var applicationCRD string

//go:embed crds/appproject-crd.yaml
var appProjectCRD string

//go:embed crds/applicationset-crd.yaml
var applicationSetCRD string

// CRDs returns the CustomResourceDefinitions of the API's three kinds, each as one YAML
// document. They accept whatever Argo CD's accept. Apply them server-side: that of
// ApplicationSet is too large for client-side apply.
func CRDs() []string {
	return []string{applicationCRD, appProjectCRD, applicationSetCRD}
}
