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
	// App is the application whose object this is, by label and tracking id.
	App string
	// Wave is the sync wave that the live object states.
	Wave int
	// Options is the annotation argocd.argoproj.io/sync-options.
	Options string
	// Keep is Helm's resource-policy: the object is never deleted.
	Keep bool
	// Deleting is set once the object has a deletionTimestamp.
	Deleting bool
	Health   health.Health
	// Unmonitored: the object says that its health does not count.
	Unmonitored bool
	// Digest of the fields we own; "" if we never applied it.
	Digest string
	// Baseline is what the server said of our last apply, zero if that is not
	// known, as after a restart.
	Baseline Baseline
}

// A Baseline is the outcome of an apply, or of a dry run.
type Baseline struct {
	// Desired is the hash of the object that was applied, Digest what the server
	// made of it.
	Desired, Digest string
	// Drifted is a live digest that a dry run has called drift from Desired
	// (DRIFT.md rule 3): not to be asked again.
	Drifted string
}

// A Snapshot is an Application's share of the cluster at one moment.
type Snapshot map[manifest.Key]*Live
