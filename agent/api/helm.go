package api

import "k8s.io/apimachinery/pkg/runtime"

// HelmSource sets how a chart is rendered. Later wins: the chart's own values,
// ValueFiles in order, Values or ValuesObject, Parameters.
type HelmSource struct {
	// ValueFiles are relative to the chart; a leading slash is the repository's root,
	// $ref/ the root of the sibling source of that name. Globs are allowed.
	ValueFiles []string        `json:"valueFiles,omitempty"`
	Parameters []HelmParameter `json:"parameters,omitempty"`
	// ReleaseName is the application's name if empty.
	ReleaseName string `json:"releaseName,omitempty"`
	// Values is YAML, and is ignored if ValuesObject is set.
	Values         string              `json:"values,omitempty"`
	FileParameters []HelmFileParameter `json:"fileParameters,omitempty"`
	// Version once chose Helm's version. It is accepted and has no effect.
	Version                 string `json:"version,omitempty"`
	PassCredentials         bool   `json:"passCredentials,omitempty"`
	IgnoreMissingValueFiles bool   `json:"ignoreMissingValueFiles,omitempty"`
	// SkipCrds leaves out the chart's crds directory.
	SkipCrds bool `json:"skipCrds,omitempty"`
	// ValuesObject is Values as an object.
	// +kubebuilder:pruning:PreserveUnknownFields
	ValuesObject *runtime.RawExtension `json:"valuesObject,omitempty"`
	// Namespace, KubeVersion and APIVersions replace what the destination says.
	Namespace            string   `json:"namespace,omitempty"`
	KubeVersion          string   `json:"kubeVersion,omitempty"`
	APIVersions          []string `json:"apiVersions,omitempty"`
	SkipTests            bool     `json:"skipTests,omitempty"`
	SkipSchemaValidation bool     `json:"skipSchemaValidation,omitempty"`
}

// HelmParameter sets one value, as --set does, or as --set-string if ForceString.
type HelmParameter struct {
	Name        string `json:"name,omitempty"`
	Value       string `json:"value,omitempty"`
	ForceString bool   `json:"forceString,omitempty"`
}

// HelmFileParameter sets one value to a file's content, as --set-file does.
type HelmFileParameter struct {
	Name string `json:"name,omitempty"`
	Path string `json:"path,omitempty"`
}
