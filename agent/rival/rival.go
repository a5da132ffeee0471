package rival

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Manager is the field manager of Argo CD's application controller.
const Manager = "argocd-application-controller"

// A Look is the last one at an Application that somebody has noted in its status.
type Look struct {
	// Theirs: it was Argo CD's. Nobody's is the look at an Application that is new.
	Theirs bool
	// Namespace is that of who has looked, as it says.
	Namespace string
	At        time.Time
}

// Of is the last look at an Application. Who it was is said by the owner of the field,
// whatever else either has written since.
func Of(app *api.Application) Look {
	if app.Status.ReconciledAt == nil {
		return Look{}
	}
	return Look{
		Theirs:    slices.ContainsFunc(app.ManagedFields, noted),
		Namespace: app.Status.ControllerNamespace, At: app.Status.ReconciledAt.Time,
	}
}

// noted says that an entry is that of Argo CD's note of its look.
func noted(entry metav1.ManagedFieldsEntry) bool {
	return entry.Manager == Manager && entry.FieldsV1 != nil && strings.Contains(entry.FieldsV1.GetRawString(), `"f:reconciledAt"`)
}

// Kept is what [Of] needs of an Application's managed fields, which is little: nothing
// at all, once Argo CD has let go of it.
func Kept(entries []metav1.ManagedFieldsEntry) []metav1.ManagedFieldsEntry {
	if !slices.ContainsFunc(entries, noted) {
		return nil
	}
	return note
}

var note = []metav1.ManagedFieldsEntry{{Manager: Manager, FieldsV1: metav1.NewFieldsV1(`{"f:status":{"f:reconciledAt":{}}}`)}}

// A State is what there is to be seen of Argo CD's controller.
type State int

// The states.
const (
	// Unseen: there is none where it was looked for, or it may not be looked for.
	Unseen State = iota
	// Runs: there is one.
	Runs
	// Stopped: it is there, and was scaled to nothing.
	Stopped
)

// A Verdict says whether an Application is Argo CD's.
type Verdict struct {
	// Held: it is, or may be, and nothing is to be done.
	Held bool
	// Why says so to people, in words that stay the same for as long as it does.
	Why string
	// Again is when to ask anew.
	Again time.Duration
}

// pause is how long an Application rests before it is asked anew whose it is.
const pause = 15 * time.Second

// Judge says whose an Application is. Argo CD notes its looks, which come at least every
// patience: after that much silence it is taken to be gone, and at once if its controller
// is seen to be stopped.
func Judge(look Look, state State, patience time.Duration, now time.Time) Verdict {
	if !look.Theirs && !look.At.IsZero() {
		return Verdict{}
	}
	silence := now.Sub(look.At)
	switch {
	case state == Runs:
		return Verdict{true, "Argo CD's application controller runs and works on this Application, so that nothing is done about it here, for two would undo each other's work: stop one of the two, as tidelock migrate explains", pause}
	case state == Stopped, look.At.IsZero(), silence > patience:
		return Verdict{}
	}
	return Verdict{
		true, fmt.Sprintf("Argo CD has looked at this Application lately, and its application controller is not seen to be stopped: nothing is done here until there was no look of its for %s", patience),
		min(pause, patience-silence+time.Second),
	}
}
