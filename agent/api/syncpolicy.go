package api

// SyncPolicy says when and how to sync.
type SyncPolicy struct {
	// Automated turns automatic sync on; nil is manual. See [Automated.IsEnabled].
	Automated   *Automated  `json:"automated,omitempty"`
	SyncOptions SyncOptions `json:"syncOptions,omitempty"`
	// Retry is, if nil, 5 retries for an automatic sync and none for a manual one.
	Retry *Retry `json:"retry,omitempty"`
	// ManagedNamespaceMetadata needs CreateNamespace=true.
	ManagedNamespaceMetadata *ManagedNamespaceMetadata `json:"managedNamespaceMetadata,omitempty"`
}

// Automated is the policy of automatic syncs. Each field is nil if not written.
type Automated struct {
	// Prune deletes what is no longer in Git; nil is false.
	Prune *bool `json:"prune,omitempty"`
	// SelfHeal syncs again if the live state drifts; nil is false.
	SelfHeal *bool `json:"selfHeal,omitempty"`
	// AllowEmpty lets a sync prune every object; nil is false.
	AllowEmpty *bool `json:"allowEmpty,omitempty"`
	// Enabled is true if nil. False keeps the other settings and syncs by hand.
	Enabled *bool `json:"enabled,omitempty"`
}

// Retry says how often, and after what waits, a failed sync is run again.
type Retry struct {
	// Limit is the number of retries; negative is without end.
	Limit   int64    `json:"limit,omitempty"`
	Backoff *Backoff `json:"backoff,omitempty"`
	// Refresh makes each retry take the newest revision in place of the first one's.
	Refresh bool `json:"refresh,omitempty"`
}

// Backoff is the wait before a retry: min(MaxDuration, Duration * Factor^n).
// See [Retry.Delay].
type Backoff struct {
	// Duration is 5s if empty. A bare number is seconds.
	Duration string `json:"duration,omitempty"`
	// Factor is 2 if nil.
	Factor *int64 `json:"factor,omitempty"`
	// MaxDuration is 3m if empty; zero or less is no limit.
	MaxDuration string `json:"maxDuration,omitempty"`
}

// ManagedNamespaceMetadata is put on the namespace that CreateNamespace=true makes.
type ManagedNamespaceMetadata struct {
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}
