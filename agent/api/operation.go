package api

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Operation asks for a sync.
type Operation struct {
	Sync        *SyncOperation `json:"sync,omitempty"`
	InitiatedBy Initiator      `json:"initiatedBy,omitzero"`
	Info        []Info         `json:"info,omitempty"`
	Retry       Retry          `json:"retry,omitzero"`
}

// Initiator is who asked: a person, or the agent itself.
type Initiator struct {
	Username  string `json:"username,omitempty"`
	Automated bool   `json:"automated,omitempty"`
}

// SyncOperation is the sync that is asked for. Empty fields are taken from the spec.
type SyncOperation struct {
	// Revision is the revision to sync to, in place of the source's.
	Revision string `json:"revision,omitempty"`
	Prune    bool   `json:"prune,omitempty"`
	DryRun   bool   `json:"dryRun,omitempty"`
	// SyncStrategy is hook if nil.
	SyncStrategy *SyncStrategy `json:"syncStrategy,omitempty"`
	// Resources, if any, are the only objects to sync; hooks do not run then.
	Resources []SyncResource `json:"resources,omitempty"`
	// Source and Sources replace those of the spec, for a rollback.
	Source *Source `json:"source,omitempty"`
	// Manifests are synced in place of what Git holds.
	Manifests   []string    `json:"manifests,omitempty"`
	SyncOptions SyncOptions `json:"syncOptions,omitempty"`
	Sources     []Source    `json:"sources,omitempty"`
	// Revisions are for Sources what Revision is for Source, in the same order.
	Revisions []string `json:"revisions,omitempty"`
	// SelfHealAttemptsCount is how often the agent healed at this revision and source.
	SelfHealAttemptsCount int64 `json:"autoHealAttemptsCount,omitempty"`
}

// SyncResource names one object to sync.
type SyncResource struct {
	Group     string `json:"group,omitempty"`
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	Namespace string `json:"namespace,omitempty"`
}

// SyncStrategy is with hooks or, if Apply is set, without.
type SyncStrategy struct {
	Apply *SyncStrategyOptions `json:"apply,omitempty"`
	Hook  *SyncStrategyOptions `json:"hook,omitempty"`
}

// SyncStrategyOptions are the options of either strategy.
type SyncStrategyOptions struct {
	// Force deletes and creates an object that cannot be patched.
	Force bool `json:"force,omitempty"`
}

// OperationState is the operation under way, or the last one. A sync can be resumed
// from it alone.
type OperationState struct {
	Operation Operation      `json:"operation"`
	Phase     OperationPhase `json:"phase"`
	Message   string         `json:"message,omitempty"`
	// SyncResult is nil until the revision is known.
	SyncResult *SyncResult `json:"syncResult,omitempty"`
	StartedAt  metav1.Time `json:"startedAt"`
	// FinishedAt is set while Phase is Running if a retry is awaited.
	FinishedAt *metav1.Time `json:"finishedAt,omitempty"`
	RetryCount int64        `json:"retryCount,omitempty"`
}

// SyncResult is what a sync did.
type SyncResult struct {
	Resources []ResourceResult `json:"resources,omitempty"`
	// Revision is the commit, or Revisions the commits, that the operation is bound to.
	Revision                 string                    `json:"revision"`
	Source                   Source                    `json:"source,omitzero"`
	Sources                  []Source                  `json:"sources,omitempty"`
	Revisions                []string                  `json:"revisions,omitempty"`
	ManagedNamespaceMetadata *ManagedNamespaceMetadata `json:"managedNamespaceMetadata,omitempty"`
}

// ResourceResult is what a sync did to one object, hooks included.
type ResourceResult struct {
	Group     string `json:"group"`
	Version   string `json:"version"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Status is empty until the object was applied or pruned.
	Status   ResultCode `json:"status,omitempty"`
	Message  string     `json:"message,omitempty"`
	HookType HookType   `json:"hookType,omitempty"`
	// HookPhase is how far the object is; it is filled for plain objects too.
	HookPhase OperationPhase `json:"hookPhase,omitempty"`
	SyncPhase SyncPhase      `json:"syncPhase,omitempty"`
	Images    []string       `json:"images,omitempty"`
}
