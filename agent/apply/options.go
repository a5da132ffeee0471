package apply

import (
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/render/manifest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Options say how one operation writes.
type Options struct {
	// Sync are the operation's sync options. What an object's own annotation says
	// counts before them.
	Sync api.SyncOptions
	// Force deletes and creates an object that cannot be changed as it has to be.
	Force bool
	// Migrate is a field manager to take over from, as kubectl; "" if none.
	Migrate string
	// Respect, if not nil, names the fields that stay as they are live.
	Respect *diff.Ignore
	// Namespace is one that is to be made before anything else, and is not there:
	// nothing that lives in it can be dry-run. "" if there is none.
	Namespace string
	// Premature, if not nil, is asked right before an object is applied: with an error
	// it is left as it is.
	Premature func(diff.Change) error
}

// Propagation of deletions: foreground, unless an option says otherwise
// (SEMANTICS.md 1.6).
func (o Options) Propagation() metav1.DeletionPropagation {
	switch o.Sync.Value("PrunePropagationPolicy") {
	case "background":
		return metav1.DeletePropagationBackground
	case "orphan":
		return metav1.DeletePropagationOrphan
	}
	return metav1.DeletePropagationForeground
}

// SkipsMissing says that an object may be of a kind that is not served yet.
func (o Options) SkipsMissing(object *manifest.Object) bool {
	return o.of(object, "SkipDryRunOnMissingResource") == "true"
}

// of returns the value of an option for an object: its own, or the operation's.
func (o Options) of(object *manifest.Object, name string) string {
	own := api.ParseSyncOptions(object.Annotations[api.AnnotationSyncOptions])
	if value := own.Value(name); value != "" {
		return value
	}
	return o.Sync.Value(name)
}
