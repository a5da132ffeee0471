package diff

import (
	"github.com/tidelock-io/tidelock/agent/health"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// A Live is what is kept of a live object (DESIGN.md D7).
type Live struct {
	Key manifest.Key
	// Version is the API version that the object was read in.
	Version         string
	UID             string
	ResourceVersion string
	// App is the application whose object this is, by label and tracking id; "" if
	// the object was ours and has lost one of the two.
	App string
	// Wave is the sync wave that the live object states.
	Wave int
	// Options is the annotation argocd.argoproj.io/sync-options.
	Options string
	// CompareOptions is the annotation argocd.argoproj.io/compare-options.
	CompareOptions string
	// Hook: the object is a hook, by Argo CD's annotation or Helm's.
	Hook bool
	// Operation is the annotation tidelock.io/operation: which try of which
	// operation made the hook.
	Operation string
	// HookPolicies are the annotations with the hook's delete policies, joined.
	HookPolicies string
	// Finalizer: our hook finalizer is on it.
	Finalizer bool
	// Created is the creationTimestamp in seconds since 1970.
	Created int64
	// Keep is Helm's resource-policy: the object is never deleted.
	Keep bool
	// Touched is when somebody last wrote to the object, its status included, in seconds
	// since 1970: beside another agent only, else 0.
	Touched int64
	// Deleting is set once the object has a deletionTimestamp.
	Deleting bool
	// Deleted is when its deletion was asked for, in seconds since 1970, and
	// Finalizers, joined, are what holds it since; both empty before.
	Deleted    int64
	Finalizers string
	Health     health.Health
	// Vague: the health may be about the object as it was before its last change.
	Vague bool
	// Unmonitored: the object says that its health does not count.
	Unmonitored bool
	// Rollout is the mark on the object's pod template (api.AnnotationRollout).
	Rollout string
	// Ignored are the places in which differences do not count; nil if there are none.
	Ignored *Places
	// Digest of the fields we own; "" if we never applied it.
	Digest string
	// Baseline is what the server said of our last apply, zero if that is not
	// known, as after a restart.
	Baseline Baseline
	// Judged is the last dry run that found a difference, zero if there is none.
	Judged Judged
}

// A Baseline is the outcome of an apply, or of a dry run that would change
// nothing: the hash of the object that was applied, and the digest of what the
// server made of it.
type Baseline struct{ Desired, Digest string }

// Judged is the verdict of a dry run of the object with hash Desired over the
// live state with Digest: not to be asked again (DRIFT.md rule 3).
type Judged struct {
	Desired, Digest string
	Verdict         Verdict
}

// A Snapshot is an Application's share of the cluster at one moment.
type Snapshot map[manifest.Key]*Live
