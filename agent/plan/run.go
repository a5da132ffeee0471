package plan

import (
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// A Run is one run of a hook, in one try of an operation.
type Run struct {
	Hook Hook
	Type api.HookType
	// Object is what is to be made: named, and marked with Token.
	Object *manifest.Object
	// Live is what stands under its name, nil if nothing does.
	Live *diff.Live
	// Anew: what stands under its name is of this very run, is of no use, and has
	// to go before the run can begin anew.
	Anew bool
	// Phase is how far the run is; "" if it was not begun.
	Phase   api.OperationPhase
	Message string
}

// Key names the object of the run.
func (r Run) Key() manifest.Key { return r.Object.Key }

// Wave is the wave within its phase.
func (r Run) Wave() int { return api.SyncWave(r.Object.Annotations) }

// Pending says that the run was not begun.
func (r Run) Pending() bool { return r.Phase == "" }

// Failed says that the run has ended, and not well.
func (r Run) Failed() bool { return r.Phase.Completed() && r.Phase != api.OperationSucceeded }

// Leftover returns the object of an earlier run that has to go first, nil if
// there is none, or if this run takes it over.
func (r Run) Leftover() *diff.Live {
	if r.Pending() && r.Live != nil && (r.Hook.Policies.BeforeCreation || r.Live.Deleting || r.Anew) {
		return r.Live
	}
	return nil
}

// change is the run as something to apply.
func (r Run) change() diff.Change {
	verdict := diff.Same
	if r.Pending() {
		verdict = diff.Create
	}
	return diff.Change{Key: r.Key(), Verdict: verdict, Desired: r.Object, Live: r.Live}
}
