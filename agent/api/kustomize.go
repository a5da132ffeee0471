package api

import "k8s.io/apimachinery/pkg/util/intstr"

// KustomizeSource is laid over the kustomization found at the source's path.
type KustomizeSource struct {
	NamePrefix string `json:"namePrefix,omitempty"`
	NameSuffix string `json:"nameSuffix,omitempty"`
	// Images are written [old=]name[:tag][@digest].
	Images       []string          `json:"images,omitempty"`
	CommonLabels map[string]string `json:"commonLabels,omitempty"`
	// Version once chose kustomize's version.
	Version           string            `json:"version,omitempty"`
	CommonAnnotations map[string]string `json:"commonAnnotations,omitempty"`
	// ForceCommonLabels and ForceCommonAnnotations replace keys that the
	// kustomization already sets; without them such a key is an error.
	ForceCommonLabels      bool   `json:"forceCommonLabels,omitempty"`
	ForceCommonAnnotations bool   `json:"forceCommonAnnotations,omitempty"`
	Namespace              string `json:"namespace,omitempty"`
	// CommonAnnotationsEnvsubst fills build variables into the annotations' values.
	CommonAnnotationsEnvsubst bool               `json:"commonAnnotationsEnvsubst,omitempty"`
	Replicas                  []KustomizeReplica `json:"replicas,omitempty"`
	Patches                   []KustomizePatch   `json:"patches,omitempty"`
	Components                []string           `json:"components,omitempty"`
	IgnoreMissingComponents   bool               `json:"ignoreMissingComponents,omitempty"`
	// LabelWithoutSelector keeps CommonLabels out of selectors, and out of pod
	// templates too unless LabelIncludeTemplates is set.
	LabelWithoutSelector bool `json:"labelWithoutSelector,omitempty"`
	// KubeVersion and APIVersions are told to Helm charts that kustomize inflates.
	KubeVersion           string   `json:"kubeVersion,omitempty"`
	APIVersions           []string `json:"apiVersions,omitempty"`
	LabelIncludeTemplates bool     `json:"labelIncludeTemplates,omitempty"`
}

// KustomizeReplica sets the replicas of the workloads of one name.
type KustomizeReplica struct {
	Name  string             `json:"name"`
	Count intstr.IntOrString `json:"count"`
}

// KustomizePatch is a patch, inline or in a file, and the objects it is for.
type KustomizePatch struct {
	Path    string             `json:"path,omitempty"`
	Patch   string             `json:"patch,omitempty"`
	Target  *KustomizeSelector `json:"target,omitempty"`
	Options map[string]bool    `json:"options,omitempty"`
}

// KustomizeSelector selects objects; every field is a regular expression but the
// two selectors.
type KustomizeSelector struct {
	Group              string `json:"group,omitempty"`
	Version            string `json:"version,omitempty"`
	Kind               string `json:"kind,omitempty"`
	Name               string `json:"name,omitempty"`
	Namespace          string `json:"namespace,omitempty"`
	AnnotationSelector string `json:"annotationSelector,omitempty"`
	LabelSelector      string `json:"labelSelector,omitempty"`
}
