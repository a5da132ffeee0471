package reconcile

import (
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// A Due says whether the agent begins a sync by itself.
type Due struct {
	// Begins: there is nothing in automated's way.
	Begins bool
	// At is when the agent decides anew; zero if only an event changes that.
	At time.Time
	// Because says why a sync that seems due does not begin; "" if none is due.
	Because string
}

// NextSync tells from an Application's status alone whether an automated sync is
// due, as a pass decides it: it is for those who see no more than the status. Rest
// is how long a failed revision rests (settings.Pace).
func NextSync(app *api.Application, now time.Time, rest time.Duration) Due {
	revisions := app.Status.Sync.Revisions
	if len(revisions) == 0 && app.Status.Sync.Revision != "" {
		revisions = []string{app.Status.Sync.Revision}
	}
	changes, prunes := fromStatus(app)
	d := autoSync(app, changes, prunes, revisions, now, rest)
	due := Due{Begins: d.start, Because: d.because}
	if d.wait > 0 {
		due.At = now.Add(d.wait)
	}
	return due
}

// fromStatus makes changes of what the status says of objects.
func fromStatus(app *api.Application) (changes []diff.Change, prunes []manifest.Key) {
	for _, res := range app.Status.Resources {
		key := manifest.Key{Group: res.Group, Kind: res.Kind, Namespace: res.Namespace, Name: res.Name}
		switch {
		case res.Hook || res.Status == api.SyncCodeSynced:
		case !res.RequiresPruning:
			changes = append(changes, diff.Change{Key: key, Verdict: diff.Drift})
		case app.Spec.SyncPolicy.IsAutomated() && app.Spec.SyncPolicy.Automated.Prunes():
			prunes = append(prunes, key)
		}
	}
	return changes, prunes
}

// RetryAt returns when an operation that failed is tried again; zero if it does
// not wait for that.
func RetryAt(op *api.OperationState) time.Time {
	if op == nil || op.FinishedAt == nil || op.Phase.Completed() {
		return time.Time{}
	}
	delay, err := op.Operation.Retry.Delay(max(0, op.RetryCount-1))
	if err != nil {
		return time.Time{}
	}
	return op.FinishedAt.Add(delay)
}
