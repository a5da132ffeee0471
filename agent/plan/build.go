package plan

import (
	"fmt"
	"maps"
	"slices"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/render/manifest"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A Policy is what an Application and its operation allow.
type Policy struct {
	// Prune deletes what is no longer in Git; PruneLast does so after all else.
	Prune, PruneLast bool
	// PruneNever and PruneConfirm are Prune=false and Prune=confirm for all
	// objects that do not say otherwise.
	PruneNever, PruneConfirm bool
	// AllowEmpty lets a sync that states nothing delete everything.
	AllowEmpty bool
	// Only, if not nil, are the objects to work on: a partial sync.
	Only map[manifest.Key]bool
	// Approved is the hash of the plan that a person has approved.
	Approved string
	// Whole: a person has to approve of all that the plan does, not of deletions
	// only. Nothing but its hash is other for that: who carries it out has to ask.
	// Subject is, then, what the steps are of and how they are taken, in words that
	// are the same in another process.
	Whole   bool
	Subject string
	// Heirs are the applications that state an extra object by now: it is left to
	// them.
	Heirs map[manifest.Key]string
	// Yielded are extra Secrets that the controller of a SealedSecret makes from now
	// on: they are left to it.
	Yielded map[manifest.Key]*diff.Live
	// Released: a person has approved of the deletions of this very operation, of
	// which some may be done.
	Released bool
	// Confirmed: a person has consented to whatever asks for consent.
	Confirmed bool
}

// Build orders changes, and the runs of hooks, into phases and waves. It reads
// only its arguments.
func Build(changes []diff.Change, runs []Run, policy Policy) Plan {
	waves := map[moment]*Wave{}
	wave := func(m moment) *Wave {
		if waves[m] == nil {
			waves[m] = &Wave{Phase: m.phase, Number: m.wave}
		}
		return waves[m]
	}
	for _, r := range runs {
		w := wave(moment{phaseOf(r.Type), r.Wave()})
		w.Runs = append(w.Runs, r)
	}
	for m, list := range policy.applies(changes, moments(changes, runs)) {
		wave(m).Objects = list
	}
	prunes, skipped := policy.prunes(changes)
	for n, list := range policy.pruneWaves(prunes, numbers(waves)) {
		policy.place(wave(moment{api.PhaseSync, n}), list)
	}
	p := Plan{Skipped: skipped, whole: policy.Whole}
	for _, m := range slices.SortedFunc(maps.Keys(waves), moment.compare) {
		w := *waves[m]
		w.Groups = group(w.steps())
		p.Waves = append(p.Waves, w)
	}
	p.hash = policy.hashOf(p)
	return p.guard(changes, policy)
}

// numbers are the waves of the Sync phase.
func numbers(waves map[moment]*Wave) (all []int) {
	for m := range waves {
		if m.phase == api.PhaseSync {
			all = append(all, m.wave)
		}
	}
	return all
}

// place puts prunes into a wave, apart those that wait for consent.
func (policy Policy) place(w *Wave, prunes []diff.Change) {
	for _, c := range prunes {
		if !policy.Confirmed && policy.confirm(c) {
			w.Unconfirmed = append(w.Unconfirmed, c)
			continue
		}
		w.Prunes = append(w.Prunes, c)
	}
}

// confirm says that an object is pruned only with consent.
func (policy Policy) confirm(c diff.Change) bool {
	own := api.ParseSyncOptions(c.Live.Options)
	return own.Has(api.SyncOptionPruneConfirm) || own.Value("Prune") == "" && policy.PruneConfirm
}

// applies gives the desired objects their moments. What is not ours to change,
// or not now, is as it should be.
func (policy Policy) applies(changes []diff.Change, at map[manifest.Key]moment) map[moment][]diff.Change {
	applies := map[moment][]diff.Change{}
	for _, c := range changes {
		if c.Desired == nil {
			continue
		}
		if c.Verdict == diff.Foreign || c.Verdict == diff.Refused || policy.Only != nil && !policy.Only[c.Key] {
			c.Verdict = diff.Same
		}
		applies[at[c.Key]] = append(applies[at[c.Key]], c)
	}
	return applies
}

// prunes sorts the extra objects into those to delete and those to keep.
func (policy Policy) prunes(changes []diff.Change) (prunes []diff.Change, skipped []Skip) {
	for _, c := range changes {
		if c.Verdict != diff.Extra || policy.Only != nil && !policy.Only[c.Key] {
			continue
		}
		if reason := policy.keep(c); reason != "" {
			skipped = append(skipped, Skip{c, reason})
			continue
		}
		if !c.Live.Deleting {
			prunes = append(prunes, c)
		}
	}
	return prunes, skipped
}

// keep says why an extra object stays, "" if it goes.
func (policy Policy) keep(c diff.Change) string {
	own := api.ParseSyncOptions(c.Live.Options)
	switch {
	case policy.Heirs[c.Key] != "":
		return "handed over to application " + policy.Heirs[c.Key]
	case policy.Yielded[c.Key] != nil:
		return "left to the controller of its SealedSecret"
	case own.Has(api.SyncOptionPruneFalse) || own.Value("Prune") == "" && policy.PruneNever:
		return "ignored (no prune)"
	case c.Live.Keep:
		return "ignored (helm.sh/resource-policy: keep)"
	case !policy.Prune:
		return "ignored (requires pruning)"
	}
	return ""
}

// pruneWaves gives prunes their waves: mirrored, so that what was made last goes
// first (SEMANTICS.md 2.1); PruneLast puts them after all others.
func (policy Policy) pruneWaves(prunes []diff.Change, applied []int) map[int][]diff.Change {
	numbers := make([]int, len(prunes))
	for i, c := range prunes {
		numbers[i] = c.Live.Wave
	}
	last := slices.Max(slices.Concat(numbers, applied, []int{0})) + 1
	mirrored := mirror(numbers)
	waves := map[int][]diff.Change{}
	for _, c := range prunes {
		n := mirrored[c.Live.Wave]
		if policy.PruneLast || api.ParseSyncOptions(c.Live.Options).Has(api.SyncOptionPruneLast) {
			n = last
		}
		waves[n] = append(waves[n], c)
	}
	return waves
}

// Limits of the deletion breaker (DESIGN.md D10).
const (
	breakerObjects = 10
	breakerShare   = 2 // one in two
)

// irrevocable are the kinds whose deletion takes with it what nobody can apply
// again: data, all that lives in a namespace, all instances.
var irrevocable = map[schema.GroupKind]bool{
	{Kind: "PersistentVolumeClaim"}: true,
	{Kind: "Namespace"}:             true,
	{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}: true,
}

// guard holds the plan's deletions if they may not be meant.
func (p Plan) guard(changes []diff.Change, policy Policy) Plan {
	p.Guard = p.danger(changes, policy)
	if p.Guard == "" {
		return p
	}
	for i := range p.Waves {
		for _, c := range p.Waves[i].deletions() {
			p.Skipped = append(p.Skipped, Skip{c, "held: " + p.Guard})
		}
		p.Waves[i].Prunes, p.Waves[i].Unconfirmed = nil, nil
	}
	return p
}

// danger says why the plan's deletions are held, and what lets them go; "" if
// nothing speaks against them.
func (p Plan) danger(changes []diff.Change, policy Policy) string {
	live, stated := 0, 0
	for _, c := range changes {
		if c.Live != nil && c.Verdict != diff.Foreign {
			live++
		}
		if c.Desired != nil {
			stated++
		}
	}
	doubt, hash := p.doubt(live), p.Hash()
	switch {
	case len(p.Prunes()) == 0:
		return ""
	case stated == 0 && !policy.AllowEmpty:
		return "Git states no object at all: set spec.syncPolicy.automated.allowEmpty if that is meant"
	case doubt == "" || policy.Approved == hash || policy.Released || policy.Confirmed:
		return ""
	}
	return fmt.Sprintf("it would delete %s; approve with annotation %s: %s", doubt, api.AnnotationApprove, hash)
}

// doubt names what of the plan's deletions a person has to approve: too many of
// the live objects, what nobody can apply again, or what asks for it.
func (p Plan) doubt(live int) string {
	if n := len(p.Prunes()); n >= breakerObjects && n*breakerShare > live {
		return fmt.Sprintf("%d of %d objects", n, live)
	}
	for _, w := range p.Waves {
		for _, c := range w.deletions() {
			if irrevocable[c.Key.GroupKind()] {
				return c.Key.String()
			}
		}
	}
	return ""
}
