package reconcile

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/plan"
	"github.com/tidelock-io/tidelock/render/manifest"
	"k8s.io/apimachinery/pkg/api/equality"
)

// A decision is whether a sync is to begin by itself, and how.
type decision struct {
	start bool
	// heal is a partial sync of what has drifted, at a revision that was synced.
	heal bool
	// attempts counts the heals at this revision, this one included.
	attempts int64
	// wait is when to decide again, 0 if events will tell.
	wait time.Duration
	// because says why a sync that seems due does not begin; "" if none is due.
	because string
}

// Back-off of self-heal: 0, 2 s, 6 s, 18 s, ... 5 min (SEMANTICS.md 1.4).
const (
	healFirst  = 2 * time.Second
	healFactor = 3
	healMost   = 5 * time.Minute
)

// autoSync decides for an Application without a running operation. Prunes are
// what a sync would delete: not what is to stay, or is held. Retry is how long a
// failed revision rests before it is tried anew: what it failed of may be gone.
func autoSync(app *api.Application, changes []diff.Change, prunes []manifest.Key, revisions []string, now time.Time, retry time.Duration) decision {
	policy := app.Spec.SyncPolicy
	if !policy.IsAutomated() || app.Operation != nil || app.DeletionTimestamp != nil {
		return decision{}
	}
	apply, changed := count(changes)
	if namespaceChanged(app, app.Status.OperationState) {
		apply, changed = apply+1, changed+1
	}
	if apply == 0 && len(prunes) == 0 {
		return decision{}
	}
	last := app.Status.OperationState
	if !attempted(app, revisions) {
		return decision{start: true}
	}
	switch last.Phase {
	case api.OperationError:
		return decision{start: true}
	case api.OperationFailed:
		return afterFailure(last, now, retry)
	}
	if changed > 0 || released(last, prunes) {
		return decision{start: true}
	}
	if !policy.Automated.Heals() {
		return decision{because: "the live state has drifted, and selfHeal is off"}
	}
	return heal(last, now)
}

// attempted says that the last operation was for these revisions, and for the
// sources as they are now.
func attempted(app *api.Application, revisions []string) bool {
	last := app.Status.OperationState
	if last == nil || last.SyncResult == nil || last.Operation.Sync == nil {
		return false
	}
	then := last.SyncResult
	if app.Spec.HasMultipleSources() {
		return equality.Semantic.DeepEqual(then.Revisions, revisions) &&
			equality.Semantic.DeepEqual(then.Sources, app.Spec.AllSources())
	}
	sources := app.Spec.AllSources()
	return len(revisions) == 1 && len(sources) == 1 && then.Revision == revisions[0] &&
		equality.Semantic.DeepEqual(then.Source, sources[0])
}

func afterFailure(last *api.OperationState, now time.Time, retry time.Duration) decision {
	if last.FinishedAt == nil {
		return decision{start: true}
	}
	if rest := last.FinishedAt.Add(retry).Sub(now); rest > 0 {
		return decision{wait: rest, because: fmt.Sprintf("the last sync of this revision failed: %s", last.Message)}
	}
	return decision{start: true}
}

// heal paces self-heal by how often it was needed at this revision.
func heal(last *api.OperationState, now time.Time) decision {
	done := last.Operation.Sync.SelfHealAttemptsCount
	d := decision{start: true, heal: true, attempts: done + 1}
	if done == 0 || last.FinishedAt == nil {
		return d
	}
	pause := float64(healFirst) * math.Pow(healFactor, float64(done-1))
	if rest := last.FinishedAt.Add(time.Duration(min(pause, float64(healMost)))).Sub(now); rest > 0 {
		return decision{wait: rest, because: fmt.Sprintf("self-heal attempt %d waits", done+1)}
	}
	return d
}

// released says that a deletion which the last operation had to leave may be
// done now: somebody has approved of it, or switched prune on.
func released(last *api.OperationState, prunes []manifest.Key) bool {
	return slices.ContainsFunc(last.SyncResult.Resources, func(r api.ResourceResult) bool {
		key := manifest.Key{Group: r.Group, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}
		return r.Status == api.ResultPruneSkipped && slices.Contains(prunes, key)
	})
}

// duePrunes are what a plan would delete, without what asks to be tolerated: only
// that is left over is no reason for a sync (SEMANTICS.md 1.5).
func duePrunes(todo plan.Plan, changes []diff.Change) []manifest.Key {
	return slices.DeleteFunc(todo.Prunes(), func(key manifest.Key) bool {
		i := slices.IndexFunc(changes, func(c diff.Change) bool { return c.Key == key })
		return i >= 0 && changes[i].Tolerated()
	})
}

// count returns how many objects are to be applied, and how many of these
// because what Git states, a key or an external value has changed.
func count(changes []diff.Change) (apply, changed int) {
	for _, c := range changes {
		switch c.Verdict {
		case diff.Create, diff.Drift, diff.Refused:
			apply++
			if c.Restarts() != "" && c.Live.Baseline.Desired == "" {
				changed++ // since nobody looked, what pods use has changed
			}
		case diff.Update:
			apply++
			changed++
		}
	}
	return apply, changed
}
