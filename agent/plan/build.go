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
	// AllowEmpty lets a sync that states nothing delete everything.
	AllowEmpty bool
	// Only, if not nil, are the objects to work on: a partial sync.
	Only map[manifest.Key]bool
	// Approved is the hash of the plan whose deletions a person has approved.
	Approved string
}

// Build orders changes into waves. It reads only its arguments.
func Build(changes []diff.Change, policy Policy) Plan {
	var p Plan
	byWave := map[int]*Wave{}
	wave := func(n int) *Wave {
		if byWave[n] == nil {
			byWave[n] = &Wave{Phase: api.PhaseSync, Number: n}
		}
		return byWave[n]
	}
	place := waves(changes)
	applies := map[int][]diff.Change{}
	for _, c := range changes {
		if c.Desired == nil {
			continue
		}
		if c.Verdict == diff.Foreign || c.Verdict == diff.Refused || policy.Only != nil && !policy.Only[c.Key] {
			c.Verdict = diff.Same // not ours to change, or not now
		}
		applies[place[c.Key]] = append(applies[place[c.Key]], c)
	}
	for n, list := range applies {
		wave(n).Groups = group(list)
	}
	prunes, skipped := policy.prunes(changes)
	p.Skipped = skipped
	for _, c := range prunes {
		w := wave(policy.pruneWave(c, prunes, slices.Collect(maps.Keys(applies))))
		w.Prunes = append(w.Prunes, c)
	}
	for _, n := range slices.Sorted(maps.Keys(byWave)) {
		p.Waves = append(p.Waves, *byWave[n])
	}
	return p.guard(changes, policy)
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
	options := api.ParseSyncOptions(c.Live.Options)
	switch {
	case options.Has(api.SyncOptionPruneFalse):
		return "ignored (no prune)"
	case c.Live.Keep:
		return "ignored (helm.sh/resource-policy: keep)"
	case !policy.Prune:
		return "ignored (requires pruning)"
	}
	return ""
}

// pruneWave mirrors the waves of all prunes; PruneLast puts them after all.
func (policy Policy) pruneWave(c diff.Change, prunes []diff.Change, applied []int) int {
	if policy.PruneLast || api.ParseSyncOptions(c.Live.Options).Has(api.SyncOptionPruneLast) {
		last := c.Live.Wave
		for _, p := range prunes {
			last = max(last, p.Live.Wave)
		}
		for _, n := range applied {
			last = max(last, n)
		}
		return last + 1
	}
	numbers := make([]int, len(prunes))
	for i, p := range prunes {
		numbers[i] = p.Live.Wave
	}
	return mirror(numbers)[c.Live.Wave]
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
		for _, c := range p.Waves[i].Prunes {
			p.Skipped = append(p.Skipped, Skip{c, "held: " + p.Guard})
		}
		p.Waves[i].Prunes = nil
	}
	return p
}

// danger says why the plan's deletions are held, and what lets them go; "" if
// nothing speaks against them.
func (p Plan) danger(changes []diff.Change, policy Policy) string {
	prunes := p.Prunes()
	live, stated := 0, 0
	for _, c := range changes {
		if c.Live != nil {
			live++
		}
		if c.Desired != nil {
			stated++
		}
	}
	approve := fmt.Sprintf("; approve with annotation %s: %s", api.AnnotationApprove, p.Hash())
	switch i := slices.IndexFunc(prunes, func(k manifest.Key) bool { return irrevocable[k.GroupKind()] }); {
	case len(prunes) == 0:
		return ""
	case stated == 0 && !policy.AllowEmpty:
		return "Git states no object at all: set spec.syncPolicy.automated.allowEmpty if that is meant"
	case policy.Approved == p.Hash():
		return ""
	case len(prunes) >= breakerObjects && len(prunes)*breakerShare > live:
		return fmt.Sprintf("it would delete %d of %d objects", len(prunes), live) + approve
	case i >= 0:
		return fmt.Sprintf("it would delete %s", prunes[i]) + approve
	}
	return ""
}
