package reconcile

import (
	"fmt"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// heedTime is how long a wave leaves to controllers whose objects do not tell what
// they have seen. Argo CD sleeps as long after every wave (SEMANTICS.md 2.1,
// step 8).
const heedTime = 2 * time.Second

// heeds suspends the operation until the controllers of a wave have had the time
// to see what was applied, if its objects' status does not tell whether they
// have: it may be well only because it is old.
func (p *pass) heeds(op *api.OperationState, before []diff.Change) bool {
	vague := heedless(op, before, p.to.Cluster.Snapshot(p.name, statedBy(before)))
	if vague == nil {
		return false
	}
	left := p.waiting(markOf(op, ""), settledIn(op), vague.Key).Add(heedTime).Sub(p.now.Time)
	if left <= 0 {
		return false
	}
	op.Message = clip(fmt.Sprintf("waiting %s for the controller of %s, whose status does not tell what it has seen", heedTime, vague.Key))
	p.soon(left)
	return true
}

// heedless returns an object that this try has applied, and whose status may be
// about what was before; nil if there is none.
func heedless(op *api.OperationState, before []diff.Change, live diff.Snapshot) *diff.Live {
	applied := map[manifest.Key]bool{}
	for _, entry := range op.SyncResult.Resources {
		if entry.HookType == "" && entry.HookPhase == api.OperationRunning {
			applied[keyOf(entry)] = true
		}
	}
	for _, c := range before {
		if l := live[c.Key]; l != nil && l.Vague && applied[c.Key] && !l.Unmonitored {
			return l
		}
	}
	return nil
}

// statedBy lists the desired objects of changes.
func statedBy(changes []diff.Change) manifest.Set {
	set := make(manifest.Set, 0, len(changes))
	for _, c := range changes {
		if c.Desired != nil {
			set = append(set, c.Desired)
		}
	}
	return set
}
