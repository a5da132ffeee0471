package api

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Application says that what Source holds shall be in Destination.
//
// There is no status subresource: spec, status and operation are one object, so a
// status write raises metadata.generation, and a client that replaces the whole
// object can wipe the status. Write status by patch.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=applications,shortName=app;apps
// +kubebuilder:printcolumn:name="Sync Status",type=string,JSONPath=`.status.sync.status`
// +kubebuilder:printcolumn:name="Health Status",type=string,JSONPath=`.status.health.status`
// +kubebuilder:printcolumn:name="Revision",type=string,JSONPath=`.status.sync.revision`,priority=10
// +kubebuilder:printcolumn:name="Project",type=string,JSONPath=`.spec.project`,priority=10
type Application struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec ApplicationSpec `json:"spec"`
	// Status is the agent's report. Zero until the first pass.
	Status ApplicationStatus `json:"status,omitzero"`
	// Operation is a request to sync. The agent clears it when it takes it on and
	// reports in Status.OperationState.
	Operation *Operation `json:"operation,omitempty"`
}

// ApplicationList is a list of Applications.
//
// +kubebuilder:object:root=true
type ApplicationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`

	Items []Application `json:"items"`
}

// ApplicationSpec is what the user wants. See [ApplicationSpec.AllSources] for which
// of the three source fields counts.
type ApplicationSpec struct {
	// Source is used if Sources is empty and SourceHydrator is nil.
	Source      *Source     `json:"source,omitempty"`
	Destination Destination `json:"destination"`
	// Project names the AppProject to check against; "" is "default".
	Project    string      `json:"project"`
	SyncPolicy *SyncPolicy `json:"syncPolicy,omitempty"`
	// IgnoreDifferences keeps differences out of the sync status. The sync still
	// applies what Git says, unless RespectIgnoreDifferences=true is set.
	IgnoreDifferences []IgnoreDifference `json:"ignoreDifferences,omitempty"`
	// Info is shown to people and means nothing to the agent.
	Info []Info `json:"info,omitempty"`
	// RevisionHistoryLimit is how many entries Status.History keeps: nil is 10, 0 none.
	RevisionHistoryLimit *int64 `json:"revisionHistoryLimit,omitempty"`
	// Sources are rendered one by one and joined; of two equal objects the later
	// source's is taken.
	Sources        []Source        `json:"sources,omitempty"`
	SourceHydrator *SourceHydrator `json:"sourceHydrator,omitempty"`
}

// Destination names a cluster, by Server or by Name but not by both, and a namespace.
type Destination struct {
	// Server is the URL of the cluster's API.
	Server string `json:"server,omitempty"`
	// Namespace is filled into namespaced objects that name none. It overrides nothing.
	Namespace string `json:"namespace,omitempty"`
	// Name is the name in the cluster's secret.
	Name string `json:"name,omitempty"`
}

// IgnoreDifference selects objects, and the fields of them whose differences do not
// count.
type IgnoreDifference struct {
	// Group and Kind may be globs.
	Group     string `json:"group,omitempty"`
	Kind      string `json:"kind"`
	Name      string `json:"name,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	// JSONPointers are RFC 6901 paths: a slash inside a key is written ~1.
	JSONPointers      []string `json:"jsonPointers,omitempty"`
	JQPathExpressions []string `json:"jqPathExpressions,omitempty"`
	// ManagedFieldsManagers ignores every field that one of these managers owns.
	ManagedFieldsManagers []string `json:"managedFieldsManagers,omitempty"`
}

// Info is a name and a value for people.
type Info struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}
