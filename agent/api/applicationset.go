package api

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// ApplicationSet makes Applications: one of Spec.Template for each set of parameters
// that the generators find.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=applicationsets,shortName=appset;appsets
// +kubebuilder:subresource:status
type ApplicationSet struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec   ApplicationSetSpec   `json:"spec"`
	Status ApplicationSetStatus `json:"status,omitzero"`
}

// ApplicationSetList is a list of ApplicationSets.
//
// +kubebuilder:object:root=true
type ApplicationSetList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []ApplicationSet `json:"items"`
}

// ApplicationSetSpec is what to generate, from what, and how to go about changes.
type ApplicationSetSpec struct {
	// GoTemplate selects text/template in place of plain {{name}} substitution.
	GoTemplate bool                   `json:"goTemplate,omitempty"`
	Generators []Generator            `json:"generators"`
	Template   ApplicationSetTemplate `json:"template"`
	// SyncPolicy is about the Applications themselves, not about what they sync.
	SyncPolicy      *ApplicationSetSyncPolicy `json:"syncPolicy,omitempty"`
	Strategy        *ApplicationSetStrategy   `json:"strategy,omitempty"`
	PreservedFields *PreservedFields          `json:"preservedFields,omitempty"`
	// GoTemplateOptions are options of text/template, such as "missingkey=error".
	GoTemplateOptions []string `json:"goTemplateOptions,omitempty"`
	// ApplyNestedSelectors is accepted and has no effect: nested selectors always apply.
	ApplyNestedSelectors         bool                          `json:"applyNestedSelectors,omitempty"`
	IgnoreApplicationDifferences []ApplicationIgnoreDifference `json:"ignoreApplicationDifferences,omitempty"`
	// TemplatePatch is a template too, merged over the rendered Application.
	TemplatePatch *string `json:"templatePatch,omitempty"`
}

// ApplicationSetTemplate is an Application with parameters in its strings.
type ApplicationSetTemplate struct {
	Metadata ApplicationSetTemplateMeta `json:"metadata"`
	Spec     ApplicationSpec            `json:"spec"`
}

// ApplicationSetTemplateMeta is the part of metadata that can be generated.
type ApplicationSetTemplateMeta struct {
	Name        string            `json:"name,omitempty"`
	Namespace   string            `json:"namespace,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	// Finalizers, if none, become the resources finalizer, unless the sync policy
	// preserves resources on deletion.
	Finalizers []string `json:"finalizers,omitempty"`
}

// ApplicationSetSyncPolicy says what may be done to generated Applications.
type ApplicationSetSyncPolicy struct {
	// PreserveResourcesOnDeletion keeps what an Application synced when it is deleted.
	PreserveResourcesOnDeletion bool `json:"preserveResourcesOnDeletion,omitempty"`
	// ApplicationsSync is sync if nil.
	ApplicationsSync *ApplicationsSync `json:"applicationsSync,omitempty"`
}

// ApplicationsSync is a set of the verbs create, update and delete.
//
// +kubebuilder:validation:Enum=create-only;create-update;create-delete;sync
type ApplicationsSync string

// The policies. Sync permits all three verbs.
const (
	ApplicationsSyncAll          ApplicationsSync = "sync"
	ApplicationsSyncCreateOnly   ApplicationsSync = "create-only"
	ApplicationsSyncCreateUpdate ApplicationsSync = "create-update"
	ApplicationsSyncCreateDelete ApplicationsSync = "create-delete"
)

// AllowUpdate reports whether existing Applications may be changed.
func (p ApplicationsSync) AllowUpdate() bool {
	return p != ApplicationsSyncCreateOnly && p != ApplicationsSyncCreateDelete
}

// AllowDelete reports whether Applications may be deleted.
func (p ApplicationsSync) AllowDelete() bool {
	return p != ApplicationsSyncCreateOnly && p != ApplicationsSyncCreateUpdate
}

// ApplicationSetStrategy says in what order Applications are synced and deleted.
type ApplicationSetStrategy struct {
	// Type is AllAtOnce (also if empty) or RollingSync.
	Type        string       `json:"type,omitempty"`
	RollingSync *RollingSync `json:"rollingSync,omitempty"`
	// DeletionOrder is AllAtOnce (also if empty) or Reverse.
	DeletionOrder string `json:"deletionOrder,omitempty"`
}

// Values of ApplicationSetStrategy's fields.
const (
	StrategyAllAtOnce    = "AllAtOnce"
	StrategyRollingSync  = "RollingSync"
	DeletionOrderReverse = "Reverse"
)

// RollingSync syncs Applications step by step, each when the one before is Healthy.
type RollingSync struct {
	Steps []RollingSyncStep `json:"steps,omitempty"`
}

// RollingSyncStep selects Applications by their labels.
type RollingSyncStep struct {
	MatchExpressions []ApplicationMatchExpression `json:"matchExpressions,omitempty"`
	// MaxUpdate is a number or a percentage of Applications at a time; nil is all.
	MaxUpdate *intstr.IntOrString `json:"maxUpdate,omitempty"`
}

// ApplicationMatchExpression compares one label with Values; Operator is In or NotIn.
type ApplicationMatchExpression struct {
	Key      string   `json:"key,omitempty"`
	Operator string   `json:"operator,omitempty"`
	Values   []string `json:"values,omitempty"`
}

// PreservedFields are keys that others may set on generated Applications.
type PreservedFields struct {
	Annotations []string `json:"annotations,omitempty"`
	Labels      []string `json:"labels,omitempty"`
}

// ApplicationIgnoreDifference selects fields of generated Applications that are left
// as they are. An empty Name is every Application.
type ApplicationIgnoreDifference struct {
	Name              string   `json:"name,omitempty"`
	JSONPointers      []string `json:"jsonPointers,omitempty"`
	JQPathExpressions []string `json:"jqPathExpressions,omitempty"`
}
