// Package plan turns changes into an ordered plan: phases, waves, the order of
// kinds in a wave, hooks, prunes, and the guards that hold it. It is pure.
//
// Start with [Split], which finds the hooks, and [Build]. A [Plan] prints as text; what prints is what agent/apply
// runs (DESIGN.md D8).
package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// A Plan is everything one sync would do to an Application's objects, and what
// waits for what: a wave is begun when all objects of the waves before it are
// settled.
type Plan struct {
	Waves []Wave
	// Skipped are objects that need pruning and are not pruned, and why.
	Skipped []Skip
	// Guard is why the plan's deletions are held, "" if they are not.
	Guard string

	whole bool   // see Policy.Whole
	hash  string // see Hash
}

// A Wave is a set of objects that are worked on together.
type Wave struct {
	Phase  api.SyncPhase
	Number int
	// Prunes come first, at once.
	Prunes []diff.Change
	// Unconfirmed are prunes that wait for somebody's consent, and the wave for
	// them.
	Unconfirmed []diff.Change
	// Objects are the desired objects of the wave, also those that are already as
	// they should be, for the wave waits for them.
	Objects []diff.Change
	// Runs are the runs of hooks.
	Runs []Run
	// Groups hold what has to be applied of both: lists of equal rank in the order
	// of kinds; one group after the other, its objects at once.
	Groups [][]diff.Change
}

// A Skip is a prune that does not happen.
type Skip struct {
	Change diff.Change
	Reason string
}

// steps lists what has to be applied.
func (w Wave) steps() (todo []diff.Change) {
	for _, c := range w.Objects {
		if c.Verdict != diff.Same {
			todo = append(todo, c)
		}
	}
	for _, r := range w.Runs {
		if r.Pending() {
			todo = append(todo, r.change())
		}
	}
	return todo
}

// Pending lists what the wave has to apply, in the order of the groups.
func (w Wave) Pending() []diff.Change { return slices.Concat(w.Groups...) }

// deletions lists all prunes of the wave.
func (w Wave) deletions() []diff.Change { return slices.Concat(w.Prunes, w.Unconfirmed) }

// Done says that nothing is left to do in the wave: what was begun may be under
// way yet.
func (w Wave) Done() bool { return len(w.Prunes)+len(w.Unconfirmed)+len(w.Groups) == 0 }

// Done says that nothing is left to do at all.
func (p Plan) Done() bool {
	for _, w := range p.Waves {
		if !w.Done() {
			return false
		}
	}
	return true
}

// Prunes lists the objects that the plan deletes.
func (p Plan) Prunes() []manifest.Key {
	var keys []manifest.Key
	for _, w := range p.Waves {
		for _, c := range w.deletions() {
			keys = append(keys, c.Key)
		}
	}
	return keys
}

// Steps counts what the plan does: each deletion, each object that is applied, each
// hook.
func (p Plan) Steps() (n int) {
	for _, w := range p.Waves {
		n += len(w.deletions()) + len(w.Pending())
	}
	return n
}

// States says that Git states the object.
func (p Plan) States(key manifest.Key) bool {
	for _, w := range p.Waves {
		for _, c := range w.Objects {
			if c.Key == key {
				return true
			}
		}
	}
	return false
}

// String prints the waves that have something to do, a line for each object.
func (p Plan) String() string {
	var b strings.Builder
	for _, w := range p.Waves {
		if w.Done() {
			continue
		}
		fmt.Fprintf(&b, "%s %d\n", w.Phase, w.Number)
		for _, c := range w.Prunes {
			fmt.Fprintf(&b, "  prune %s\n", c.Key)
		}
		for _, c := range w.Unconfirmed {
			fmt.Fprintf(&b, "  prune %s, with consent\n", c.Key)
		}
		for _, c := range w.Pending() {
			fmt.Fprintf(&b, "  %s\n", w.describe(c))
		}
	}
	for _, s := range p.Skipped {
		fmt.Fprintf(&b, "keep %s: %s\n", s.Change.Key, s.Reason)
	}
	if p.Guard != "" {
		fmt.Fprintf(&b, "held: %s\n", p.Guard)
	}
	return b.String()
}

// describe prints one step: "run batch/Job shop/migrate", "create Service shop/web".
func (w Wave) describe(c diff.Change) string {
	return w.action(c) + " " + c.Key.String()
}

// HookType is that of the run which a step begins, "" if it is of a plain object.
func (w Wave) HookType(c diff.Change) api.HookType {
	if r := w.run(c); r != nil {
		return r.Type
	}
	return ""
}

// run is the one that a step begins, nil if it is of a plain object.
func (w Wave) run(c diff.Change) *Run {
	i := slices.IndexFunc(w.Runs, func(r Run) bool { return r.Object == c.Desired })
	if c.Desired == nil || i < 0 {
		return nil
	}
	return &w.Runs[i]
}
