package api

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// SourceHydrator renders one Git branch into another and syncs from the latter.
type SourceHydrator struct {
	DrySource  DrySource  `json:"drySource"`
	SyncSource SyncSource `json:"syncSource"`
	// HydrateTo is a staging branch in place of SyncSource's.
	HydrateTo *HydrateTo `json:"hydrateTo,omitempty"`
}

// DrySource is what is rendered.
type DrySource struct {
	RepoURL        string           `json:"repoURL"`
	TargetRevision string           `json:"targetRevision"`
	Path           string           `json:"path"`
	Helm           *HelmSource      `json:"helm,omitempty"`
	Kustomize      *KustomizeSource `json:"kustomize,omitempty"`
	Directory      *DirectorySource `json:"directory,omitempty"`
	Plugin         *PluginSource    `json:"plugin,omitempty"`
}

// SyncSource is where rendered manifests are written to and synced from.
type SyncSource struct {
	TargetBranch string `json:"targetBranch"`
	// Path is never the repository's root.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:Pattern=`^.{2,}|[^./]$`
	Path string `json:"path"`
	// RepoURL is DrySource's if empty.
	RepoURL string `json:"repoURL,omitempty"`
}

// HydrateTo names a staging branch.
type HydrateTo struct {
	TargetBranch string `json:"targetBranch"`
}

// SourceHydratorStatus says how far hydration is.
type SourceHydratorStatus struct {
	LastSuccessfulOperation *SuccessfulHydrateOperation `json:"lastSuccessfulOperation,omitempty"`
	CurrentOperation        *HydrateOperation           `json:"currentOperation,omitempty"`
	LastComparedDryRevision string                      `json:"lastComparedDryRevision,omitempty"`
}

// HydratePhase is how far one hydration is.
//
// +kubebuilder:validation:Enum=Hydrating;Failed;Hydrated
type HydratePhase string

// The phases of a hydration.
const (
	HydratePhaseHydrating HydratePhase = "Hydrating"
	HydratePhaseFailed    HydratePhase = "Failed"
	HydratePhaseHydrated  HydratePhase = "Hydrated"
)

// HydrateOperation is a hydration under way or just over.
type HydrateOperation struct {
	StartedAt  metav1.Time  `json:"startedAt,omitzero"`
	FinishedAt *metav1.Time `json:"finishedAt,omitempty"`
	Phase      HydratePhase `json:"phase"`
	Message    string       `json:"message"`
	// DrySHA is the commit rendered, HydratedSHA the commit made of it.
	DrySHA         string         `json:"drySHA,omitempty"`
	HydratedSHA    string         `json:"hydratedSHA,omitempty"`
	SourceHydrator SourceHydrator `json:"sourceHydrator,omitzero"`
}

// SuccessfulHydrateOperation is the last hydration that worked.
type SuccessfulHydrateOperation struct {
	DrySHA         string         `json:"drySHA,omitempty"`
	HydratedSHA    string         `json:"hydratedSHA,omitempty"`
	SourceHydrator SourceHydrator `json:"sourceHydrator,omitzero"`
}
