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
	// ApplicationSetDeletionHeld, which is ours, says that Applications are not deleted
	// before somebody approves of it, and how that is done (see [AnnotationApprove]).
	ApplicationSetDeletionHeld ApplicationSetConditionType = "DeletionHeld"
	// ApplicationSetGenerationWarning, which is ours, tells of what most likely was not
	// meant: a generator that finds nothing, a template that names no parameter.
	ApplicationSetGenerationWarning ApplicationSetConditionType = "GenerationWarning"
	// ApplicationSetRivalWarning, which is ours, says that Argo CD keeps the Applications
	// of the set, so that this agent does not.
	ApplicationSetRivalWarning ApplicationSetConditionType = "RivalControllerWarning"
)

// The reasons of conditions of an ApplicationSet.
const (
	ReasonErrorOccurred        = "ErrorOccurred"
	ReasonSetUpToDate          = "ApplicationSetUpToDate"
	ReasonParametersGenerated  = "ParametersGenerated"
	ReasonGenerationError      = "ApplicationGenerationFromParamsError"
	ReasonRenderTemplateError  = "RenderTemplateParamsError"
	ReasonValidationError      = "ApplicationValidationError"
	ReasonCreateError          = "CreateApplicationError"
	ReasonUpdateError          = "UpdateApplicationError"
	ReasonDeleteError          = "DeleteApplicationError"
	ReasonSetModified          = "ApplicationSetModified"
	ReasonRolloutComplete      = "ApplicationSetRolloutComplete"
	ReasonRolloutError         = "ApplicationSetRolloutError"
	ReasonInvalidRolloutConfig = "ApplicationSetInvalidRolloutConfig"
	ReasonValidRolloutConfig   = "ApplicationSetValidRolloutConfig"
	ReasonDeletionHeld         = "DeletionHeld"
	ReasonGenerationSuspicious = "GenerationSuspicious"
	ReasonRivalController      = "RivalController"
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
