package diff

import (
	"slices"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/rollout"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// A Verdict says how a live object stands to the desired one.
type Verdict string

const (
	// Same: what Git states is what is live.
	Same Verdict = "same"
	// Create: there is no live object that is ours.
	Create Verdict = "create"
	// Update: the desired object differs from the one that was applied.
	Update Verdict = "update"
	// Drift: the live object is not as it was applied. So is called, too, what
	// differs after a restart, when nobody knows what was applied.
	Drift Verdict = "drift"
	// Ask: only the server can tell, by a dry run (DESIGN.md D7).
	Ask Verdict = "ask"
	// Extra: live and ours, but no longer in Git.
	Extra Verdict = "extra"
	// Refused: the application's project does not permit the object. Compare does
	// not know of projects; its caller says so.
	Refused Verdict = "refused"
	// Foreign: the live object belongs to another application.
	Foreign Verdict = "foreign"
)

// A Change is one object of an Application, desired, live or both.
type Change struct {
	Key     manifest.Key
	Verdict Verdict
	// Desired is nil for Extra, Live for Create.
	Desired *manifest.Object
	Live    *Live
}

// String prints as "drift apps/Deployment shop/web".
func (c Change) String() string { return string(c.Verdict) + " " + c.Key.String() }

// OutOfSync says that the object is not as it should be.
func (c Change) OutOfSync() bool { return c.Verdict != Same }

// Restarts says why the pods of a workload restart when the change is applied, if it
// is for what they use: "restarts because Secret db changed". It is "" otherwise.
func (c Change) Restarts() string {
	if c.Live == nil || c.Verdict != Update && c.Verdict != Drift {
		return ""
	}
	return rollout.Because(c.Live.Rollout, rollout.Of(c.Desired))
}

// Tolerated says that the object is to be pruned, and asks not to make its
// Application OutOfSync until then (compare option IgnoreExtraneous).
func (c Change) Tolerated() bool {
	return c.Verdict == Extra && api.ParseSyncOptions(c.Live.CompareOptions).Has(api.CompareOptionIgnoreExtraneous)
}

// Compare returns a Change for every desired object, in their order, then one
// for every live object of app that is not desired, in the order of their keys.
// Hooks are not among them: nobody keeps them, and nobody prunes them.
func Compare(app string, desired manifest.Set, live Snapshot) []Change {
	changes := make([]Change, 0, len(desired))
	wanted := make(map[manifest.Key]bool, len(desired))
	for _, o := range desired {
		wanted[o.Key] = true
		l := live[o.Key]
		changes = append(changes, Change{o.Key, judge(app, o, l), o, l})
	}
	var extra []Change
	for key, l := range live {
		if !wanted[key] && owns(app, l) && !l.Hook {
			extra = append(extra, Change{Key: key, Verdict: Extra, Live: l})
		}
	}
	slices.SortFunc(extra, func(a, b Change) int { return a.Key.Compare(b.Key) })
	return append(changes, extra...)
}

// owns says that a live object is app's. One without a tracking id is known by
// its label only, which may be shortened.
func owns(app string, l *Live) bool { return l.App == app || l.App == api.AppLabel(app) }

// judge compares by digest, and asks where that cannot decide.
func judge(app string, o *manifest.Object, l *Live) Verdict {
	switch {
	case l == nil:
		return Create
	case l.Deleting:
		return Same // its successor is created once it is gone
	case l.App != "" && !owns(app, l):
		return Foreign
	case l.Digest == "":
		return Ask
	case l.App == "" && l.Ignored != nil:
		return Drift // our marks are gone, and may be ignored, which tells nothing then
	case l.Baseline == Baseline{o.Hash(), l.Digest}:
		return Same
	case l.Judged.Desired == o.Hash() && l.Judged.Digest == l.Digest:
		return l.Judged.Verdict
	}
	return Ask
}
