package api

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// AppProject bounds what a group of Applications may do: from where, to where, with
// which kinds, and when.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=appprojects,shortName=appproj;appprojs
type AppProject struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec   AppProjectSpec   `json:"spec"`
	Status AppProjectStatus `json:"status,omitzero"`
}

// AppProjectList is a list of AppProjects.
//
// +kubebuilder:object:root=true
type AppProjectList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`

	Items []AppProject `json:"items"`
}

// AppProjectSpec is the project's rules. Patterns are globs; a leading ! denies.
type AppProjectSpec struct {
	SourceRepos  []string      `json:"sourceRepos,omitempty"`
	Destinations []Destination `json:"destinations,omitempty"`
	// +kubebuilder:validation:MaxLength=255
	Description string `json:"description,omitempty"`
	Roles       []Role `json:"roles,omitempty"`
	// ClusterResourceWhitelist permits cluster-scoped kinds; empty or nil permits none.
	ClusterResourceWhitelist   []ClusterResource  `json:"clusterResourceWhitelist,omitempty"`
	NamespaceResourceBlacklist []metav1.GroupKind `json:"namespaceResourceBlacklist,omitempty"`
	// OrphanedResources turns on the search for objects of no application.
	OrphanedResources *OrphanedResources `json:"orphanedResources,omitempty"`
	SyncWindows       []SyncWindow       `json:"syncWindows,omitempty"`
	// NamespaceResourceWhitelist permits namespaced kinds: nil permits all, empty none.
	NamespaceResourceWhitelist []metav1.GroupKind `json:"namespaceResourceWhitelist,omitzero"`
	// SignatureKeys is the old form of SourceIntegrity.
	SignatureKeys            []SignatureKey    `json:"signatureKeys,omitempty"`
	ClusterResourceBlacklist []ClusterResource `json:"clusterResourceBlacklist,omitempty"`
	// SourceNamespaces are where Applications of this project may live besides the
	// agent's own namespace: globs, or regular expressions between slashes.
	SourceNamespaces []string `json:"sourceNamespaces,omitempty"`
	// PermitOnlyProjectScopedClusters allows only clusters whose secret names this project.
	PermitOnlyProjectScopedClusters bool `json:"permitOnlyProjectScopedClusters,omitempty"`
	// DestinationServiceAccounts says who to impersonate; the first match counts.
	DestinationServiceAccounts []DestinationServiceAccount `json:"destinationServiceAccounts,omitempty"`
	SourceIntegrity            *SourceIntegrity            `json:"sourceIntegrity,omitempty"`
}

// ClusterResource selects cluster-scoped objects by kind and, if Name is not empty,
// by a glob over their names.
type ClusterResource struct {
	Group string `json:"group"`
	Kind  string `json:"kind"`
	Name  string `json:"name,omitempty"`
}

// OrphanedResources sets how objects of no application are reported.
type OrphanedResources struct {
	// Warn adds a condition to the Applications; nil is false.
	Warn   *bool              `json:"warn,omitempty"`
	Ignore []OrphanedResource `json:"ignore,omitempty"`
}

// OrphanedResource selects objects that are not to be reported. Name is a glob.
type OrphanedResource struct {
	Group string `json:"group,omitempty"`
	Kind  string `json:"kind,omitempty"`
	Name  string `json:"name,omitempty"`
}

// DestinationServiceAccount names the account that syncs to a destination run as.
type DestinationServiceAccount struct {
	// Server and Namespace are globs.
	Server    string `json:"server"`
	Namespace string `json:"namespace,omitempty"`
	// DefaultServiceAccount is name, or namespace:name.
	DefaultServiceAccount string `json:"defaultServiceAccount"`
}

// Role is a set of policies for people and tokens.
type Role struct {
	Name        string     `json:"name"`
	Description string     `json:"description,omitempty"`
	Policies    []string   `json:"policies,omitempty"`
	JWTTokens   []JWTToken `json:"jwtTokens,omitempty"`
	Groups      []string   `json:"groups,omitempty"`
}

// JWTToken is the record of a token that was given out, not the token.
type JWTToken struct {
	// IssuedAt and ExpiresAt are Unix seconds; ExpiresAt 0 is never.
	IssuedAt  int64  `json:"iat"`
	ExpiresAt int64  `json:"exp,omitempty"`
	ID        string `json:"id,omitempty"`
}

// AppProjectStatus mirrors the tokens given out.
type AppProjectStatus struct {
	JWTTokensByRole map[string]JWTTokens `json:"jwtTokensByRole,omitempty"`
}

// JWTTokens is a list of tokens.
type JWTTokens struct {
	Items []JWTToken `json:"items,omitempty"`
}
