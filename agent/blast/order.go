package blast

import (
	"fmt"
	"slices"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/plan"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// A Wave is what happens together, one after the other.
type Wave struct {
	Phase  string   `json:"phase"`
	Number int      `json:"wave"`
	Steps  []string `json:"steps"`
}

// order makes the plan of a sync from the one end to the other, as the agent would if
// the cluster is as it was stated before; and says what of it is held.
func (p *Pair) order(c *comparison) (waves []Wave, held []string) {
	set, hooks := plan.Split(p.After.Set, p.Before.App != nil)
	was, _ := plan.Split(p.Before.Set, true)
	built := plan.Build(p.planned(c, set, was), runsOf(hooks), p.policy(c, was))
	return inOrder(&built, func(key manifest.Key) bool { return c.moves.giver(c.pair, key) != nil })
}

// planned are the changes that the plan is of.
func (p *Pair) planned(c *comparison, set, was manifest.Set) (changes []diff.Change) {
	for _, o := range set {
		change := diff.Change{Key: o.Key, Verdict: diff.Create, Desired: o}
		if old := c.before[o.Key]; old != nil && !c.abandons {
			change.Verdict, change.Live = diff.Update, liveOf(old)
			if same(old, o) {
				change.Verdict = diff.Same
			}
		}
		changes = append(changes, change)
	}
	for _, o := range was {
		if c.after[o.Key] == nil && !c.abandons {
			changes = append(changes, diff.Change{Key: o.Key, Verdict: diff.Extra, Live: liveOf(o)})
		}
	}
	return changes
}

// liveOf is an object as it is live if it is as it was stated.
func liveOf(o *manifest.Object) *diff.Live {
	return &diff.Live{
		Key: o.Key, Version: o.Version, Wave: api.SyncWave(o.Annotations),
		Options: o.Annotations[api.AnnotationSyncOptions], CompareOptions: o.Annotations[api.AnnotationCompareOptions],
		Keep: o.Annotations[api.AnnotationHelmResourcePolicy] == api.HelmResourcePolicyKeep,
	}
}

// policy is that of the next sync; of one that a person begins it is taken that it
// prunes.
func (p *Pair) policy(c *comparison, was manifest.Set) plan.Policy {
	app := p.After.App
	sync, options := app.Spec.SyncPolicy, app.Spec.SyncPolicy.Options()
	policy := plan.Policy{
		Prune:        !sync.IsAutomated() || sync.Automated.Prunes(),
		PruneLast:    options.Has(api.SyncOptionPruneLast),
		PruneNever:   options.Has(api.SyncOptionPruneFalse),
		PruneConfirm: options.Has(api.SyncOptionPruneConfirm),
		AllowEmpty:   sync != nil && sync.Automated.AllowsEmpty(),
		Approved:     app.Annotations[api.AnnotationApprove],
		Heirs:        map[manifest.Key]string{},
	}
	for _, o := range was {
		if taker := c.moves.taker(p, o.Key); taker != "" {
			policy.Heirs[o.Key] = taker
		}
	}
	return policy
}

// runsOf are the runs of the hooks of a sync that goes well.
func runsOf(hooks []plan.Hook) (runs []plan.Run) {
	for _, h := range hooks {
		for _, t := range h.Types {
			if t != api.HookPreSync && t != api.HookSync && t != api.HookPostSync {
				continue
			}
			if o, err := named(h.Object); err == nil {
				runs = append(runs, plan.Run{Hook: h, Type: t, Object: o})
			}
		}
	}
	return runs
}

// named gives a hook that is named when it runs a name to be shown.
func named(o *manifest.Object) (*manifest.Object, error) {
	if o.Key.Name != "" {
		return o, nil
	}
	return o.Edit(func(body map[string]any) {
		meta, _ := body["metadata"].(map[string]any)
		meta["name"] = keyOf(o).Name
	})
}

// waveOf lists the steps of a wave.
func waveOf(w plan.Wave, takenOver func(manifest.Key) bool) Wave {
	wave := Wave{Phase: string(w.Phase), Number: w.Number}
	for _, change := range slices.Concat(w.Prunes, w.Unconfirmed) {
		wave.Steps = append(wave.Steps, "delete "+change.Key.String())
	}
	for _, change := range w.Pending() {
		verb := "change"
		switch {
		case w.HookType(change) != "":
			verb = "run"
		case change.Verdict == diff.Create && takenOver(change.Key):
			verb = "take over"
		case change.Verdict == diff.Create:
			verb = "create"
		}
		wave.Steps = append(wave.Steps, verb+" "+change.Key.String())
	}
	return wave
}

func more(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" and %d more", n)
}
