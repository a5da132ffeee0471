// Package plan turns changes into an ordered plan: waves, the order of kinds in
// a wave, prunes, and the guards that hold it. It is pure.
//
// Start with [Build]. A [Plan] prints as text; what prints is what agent/apply
// runs (DESIGN.md D8).
package plan

import (
	"crypto/sha256"
	"encoding/hex"
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
}

// A Wave is a set of objects that are worked on together.
type Wave struct {
	Phase  api.SyncPhase
	Number int
	// Prunes come first, at once.
	Prunes []diff.Change
	// Groups hold objects of equal rank in the order of kinds; one group after
	// the other, its objects at once. Objects that are already as they should be
	// are listed too, for the wave waits for them.
	Groups [][]diff.Change
}

// A Skip is a prune that does not happen.
type Skip struct {
	Change diff.Change
	Reason string
}

// Objects returns the wave's desired objects in the order of the groups.
func (w Wave) Objects() []diff.Change {
	var all []diff.Change
	for _, g := range w.Groups {
		all = append(all, g...)
	}
	return all
}

// Pending returns the objects of a group that have to be applied.
func Pending(group []diff.Change) []diff.Change {
	var todo []diff.Change
	for _, c := range group {
		if c.Verdict != diff.Same {
			todo = append(todo, c)
		}
	}
	return todo
}

// Done says that nothing is left to do in the wave.
func (w Wave) Done() bool { return len(w.Prunes) == 0 && len(Pending(w.Objects())) == 0 }

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
		for _, c := range w.Prunes {
			keys = append(keys, c.Key)
		}
	}
	return keys
}

// States says that Git states the object.
func (p Plan) States(key manifest.Key) bool {
	for _, w := range p.Waves {
		for _, c := range w.Objects() {
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
		for _, c := range Pending(w.Objects()) {
			fmt.Fprintf(&b, "  %s\n", c)
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

// Hash names the deletions that a person approves. It is the same for the same
// deletions, also in another process and in other waves.
func (p Plan) Hash() string {
	sum := sha256.New()
	for _, key := range slices.SortedFunc(slices.Values(p.Prunes()), manifest.Key.Compare) {
		fmt.Fprintln(sum, key)
	}
	return hex.EncodeToString(sum.Sum(nil)[:6])
}
