package api

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ApplicationSetStatus is what came of the last pass.
type ApplicationSetStatus struct {
	Conditions        []ApplicationSetCondition `json:"conditions,omitempty"`
	ApplicationStatus []RollingSyncStatus       `json:"applicationStatus,omitempty"`
	// Resources are the generated Applications, cut off at 5000; ResourcesCount is
	// their true number.
	Resources      []ResourceStatus `json:"resources,omitempty"`
	ResourcesCount int64            `json:"resourcesCount,omitempty"`
	Health         HealthStatus     `json:"health,omitzero"`
}

// ApplicationSetCondition is one statement about the set. Status is "True", "False"
// or "Unknown".
type ApplicationSetCondition struct {
	Type               ApplicationSetConditionType `json:"type"`
	Message            string                      `json:"message"`
	LastTransitionTime *metav1.Time                `json:"lastTransitionTime,omitempty"`
	Status             metav1.ConditionStatus      `json:"status"`
	Reason             string                      `json:"reason"`
}

// ApplicationSetConditionType is the kind of a condition of an ApplicationSet.
type ApplicationSetConditionType string

// The condition types of an ApplicationSet.
const (
	ApplicationSetErrorOccurred        ApplicationSetConditionType = "ErrorOccurred"
	ApplicationSetParametersGenerated  ApplicationSetConditionType = "ParametersGenerated"
	ApplicationSetResourcesUpToDate    ApplicationSetConditionType = "ResourcesUpToDate"
	ApplicationSetRolloutProgressing   ApplicationSetConditionType = "RolloutProgressing"
	ApplicationSetInvalidRolloutConfig ApplicationSetConditionType = "InvalidRolloutConfig"
)

// RollingSyncStatus is how far a rolling sync is with one Application.
type RollingSyncStatus struct {
	Application        string           `json:"application"`
	LastTransitionTime *metav1.Time     `json:"lastTransitionTime,omitempty"`
	Message            string           `json:"message"`
	Status             RollingSyncState `json:"status"`
	// Step is the number of the step, from 1, as text.
	Step            string   `json:"step"`
	TargetRevisions []string `json:"targetRevisions"`
}

// RollingSyncState is where one Application stands in a rolling sync.
type RollingSyncState string

// The states, in their order.
const (
	RollingSyncWaiting     RollingSyncState = "Waiting"
	RollingSyncPending     RollingSyncState = "Pending"
	RollingSyncProgressing RollingSyncState = "Progressing"
	RollingSyncHealthy     RollingSyncState = "Healthy"
)
