package api

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ApplicationStatus is what the agent found at ReconciledAt.
type ApplicationStatus struct {
	Resources []ResourceStatus `json:"resources,omitempty"`
	Sync      SyncStatus       `json:"sync,omitzero"`
	Health    HealthStatus     `json:"health,omitzero"`
	// History lists full, successful syncs, oldest first.
	History        []RevisionHistory `json:"history,omitempty"`
	Conditions     []Condition       `json:"conditions,omitempty"`
	ReconciledAt   *metav1.Time      `json:"reconciledAt,omitempty"`
	OperationState *OperationState   `json:"operationState,omitempty"`
	// ObservedAt is dead; older objects hold it.
	ObservedAt *metav1.Time `json:"observedAt,omitempty"`
	SourceType SourceType   `json:"sourceType,omitempty"`
	Summary    Summary      `json:"summary,omitzero"`
	// ResourceHealthSource is empty if Resources carry their health, else "appTree".
	ResourceHealthSource string `json:"resourceHealthSource,omitempty"`
	// SourceTypes are in the order of the sources.
	SourceTypes []SourceType `json:"sourceTypes,omitempty"`
	// ControllerNamespace is the namespace of the agent that works on this object.
	ControllerNamespace string               `json:"controllerNamespace,omitempty"`
	SourceHydrator      SourceHydratorStatus `json:"sourceHydrator,omitzero"`
}

// SyncStatus says whether live and desired state agree.
type SyncStatus struct {
	Status     SyncCode   `json:"status"`
	ComparedTo ComparedTo `json:"comparedTo,omitzero"`
	// Revision, or Revisions for several sources, is the commit compared with.
	Revision  string   `json:"revision,omitempty"`
	Revisions []string `json:"revisions,omitempty"`
}

// ComparedTo is the part of the spec that a comparison was made with. If the spec
// has become another, the comparison is out of date.
type ComparedTo struct {
	Source            Source             `json:"source,omitzero"`
	Destination       Destination        `json:"destination"`
	Sources           []Source           `json:"sources,omitempty"`
	IgnoreDifferences []IgnoreDifference `json:"ignoreDifferences,omitempty"`
}

// HealthStatus is the health of an object, or of an application as a whole.
type HealthStatus struct {
	Status             HealthCode   `json:"status,omitempty"`
	Message            string       `json:"message,omitempty"`
	LastTransitionTime *metav1.Time `json:"lastTransitionTime,omitempty"`
}

// ResourceStatus is the state of one managed object.
type ResourceStatus struct {
	Group     string   `json:"group,omitempty"`
	Version   string   `json:"version,omitempty"`
	Kind      string   `json:"kind,omitempty"`
	Namespace string   `json:"namespace,omitempty"`
	Name      string   `json:"name,omitempty"`
	Status    SyncCode `json:"status,omitempty"`
	// Health is nil if the object's kind has no check.
	Health *HealthStatus `json:"health,omitempty"`
	Hook   bool          `json:"hook,omitempty"`
	// RequiresPruning: live, but no longer in Git.
	RequiresPruning              bool  `json:"requiresPruning,omitempty"`
	SyncWave                     int64 `json:"syncWave,omitempty"`
	RequiresDeletionConfirmation bool  `json:"requiresDeletionConfirmation,omitempty"`
}

// RevisionHistory is one past sync.
type RevisionHistory struct {
	Revision   string      `json:"revision,omitempty"`
	DeployedAt metav1.Time `json:"deployedAt"`
	// ID is the last entry's plus one.
	ID              int64        `json:"id"`
	Source          Source       `json:"source,omitzero"`
	DeployStartedAt *metav1.Time `json:"deployStartedAt,omitempty"`
	Sources         []Source     `json:"sources,omitempty"`
	Revisions       []string     `json:"revisions,omitempty"`
	InitiatedBy     Initiator    `json:"initiatedBy,omitzero"`
}

// Condition is something a person should know. Unlike the conditions of other APIs
// it holds by being there.
type Condition struct {
	Type               ConditionType `json:"type"`
	Message            string        `json:"message"`
	LastTransitionTime *metav1.Time  `json:"lastTransitionTime,omitempty"`
}

// Summary is what lists of applications show.
type Summary struct {
	// ExternalURLs are link.argocd.argoproj.io annotations and Ingress hosts.
	ExternalURLs []string `json:"externalURLs,omitempty"`
	Images       []string `json:"images,omitempty"`
	IsAppOfApps  bool     `json:"isAppOfApps,omitempty"`
}
