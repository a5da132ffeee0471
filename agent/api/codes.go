package api

// SyncCode says whether live and desired state agree.
type SyncCode string

// The sync codes. Unknown means that the desired state could not be made.
const (
	SyncCodeUnknown   SyncCode = "Unknown"
	SyncCodeSynced    SyncCode = "Synced"
	SyncCodeOutOfSync SyncCode = "OutOfSync"
)

// HealthCode says how well an object does its work.
type HealthCode string

// The health codes, best first.
const (
	HealthHealthy     HealthCode = "Healthy"
	HealthSuspended   HealthCode = "Suspended"
	HealthProgressing HealthCode = "Progressing"
	HealthMissing     HealthCode = "Missing"
	HealthDegraded    HealthCode = "Degraded"
	HealthUnknown     HealthCode = "Unknown"
)

// OperationPhase is how far an operation, a hook or an object of a sync is.
type OperationPhase string

// The operation phases. Failed is the manifests' fault, Error the agent's or the
// cluster's.
const (
	OperationRunning     OperationPhase = "Running"
	OperationTerminating OperationPhase = "Terminating"
	OperationFailed      OperationPhase = "Failed"
	OperationError       OperationPhase = "Error"
	OperationSucceeded   OperationPhase = "Succeeded"
)

// Completed reports whether the phase is final.
func (p OperationPhase) Completed() bool {
	return p == OperationSucceeded || p == OperationFailed || p == OperationError
}

// ResultCode is what a sync did to one object.
type ResultCode string

// The result codes.
const (
	ResultSynced       ResultCode = "Synced"
	ResultSyncFailed   ResultCode = "SyncFailed"
	ResultPruned       ResultCode = "Pruned"
	ResultPruneSkipped ResultCode = "PruneSkipped"
)

// SyncPhase is a stage of a sync.
type SyncPhase string

// The sync phases, in their order. SyncFail is entered only when a sync fails.
const (
	PhasePreSync  SyncPhase = "PreSync"
	PhaseSync     SyncPhase = "Sync"
	PhasePostSync SyncPhase = "PostSync"
	PhaseSyncFail SyncPhase = "SyncFail"
)

// The stages of a deletion in which hooks run: before the first object is deleted,
// and after the last is gone.
const (
	PhasePreDelete  SyncPhase = "PreDelete"
	PhasePostDelete SyncPhase = "PostDelete"
)

// ConditionType is the kind of a condition. Types that end in "Error" are errors,
// the others warnings.
type ConditionType string

// The condition types.
const (
	// ConditionDeletionError: the application's objects could not be deleted.
	ConditionDeletionError ConditionType = "DeletionError"
	// ConditionInvalidSpecError: the spec cannot work as it is written.
	ConditionInvalidSpecError ConditionType = "InvalidSpecError"
	// ConditionComparisonError: desired and live state could not be compared.
	ConditionComparisonError ConditionType = "ComparisonError"
	// ConditionSyncError: an automatic sync failed or was refused.
	ConditionSyncError ConditionType = "SyncError"
	// ConditionUnknownError: anything else.
	ConditionUnknownError ConditionType = "UnknownError"
	// ConditionSharedResourceWarning: an object belongs to another application too.
	ConditionSharedResourceWarning ConditionType = "SharedResourceWarning"
	// ConditionRepeatedResourceWarning: an object occurs twice in the sources.
	ConditionRepeatedResourceWarning ConditionType = "RepeatedResourceWarning"
	// ConditionExcludedResourceWarning: an object is of a kind that the agent leaves alone.
	ConditionExcludedResourceWarning ConditionType = "ExcludedResourceWarning"
	// ConditionOrphanedResourceWarning: the namespace holds objects of no application.
	ConditionOrphanedResourceWarning ConditionType = "OrphanedResourceWarning"
)
