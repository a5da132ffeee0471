package cluster

import (
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// Accept takes the server's answer to an apply of desired: the object, and the
// baseline that later drift is measured from (DRIFT.md rule 10).
func (c *Cluster) Accept(desired *manifest.Object, answer map[string]any) {
	live := c.record(desired.GVK(), answer)
	baseline := diff.Baseline{Desired: desired.Hash(), Digest: live.Digest}
	c.mu.Lock()
	app, changed := c.keep(live)
	if kept := c.records[desired.Key]; kept != nil && kept.UID == live.UID {
		c.rebase(kept, baseline)
	}
	c.mu.Unlock()
	if changed {
		c.changed(app, false)
	}
}

// Judge takes the server's answer to a dry run of desired over live. If it
// would change nothing, the live state is the new baseline and Judge returns
// Same; else it remembers that live has drifted (DRIFT.md rules 2 and 3).
func (c *Cluster) Judge(desired *manifest.Object, live *diff.Live, answer map[string]any) diff.Verdict {
	after := c.digest(desired.GVK(), answer)
	same := live.Digest != "" && after == live.Digest
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := c.records[desired.Key]
	if kept == nil || kept.Digest != live.Digest {
		return verdict(same, kept, desired)
	}
	result := verdict(same, kept, desired)
	if same {
		c.rebase(kept, diff.Baseline{Desired: desired.Hash(), Digest: live.Digest})
	} else if result == diff.Drift {
		baseline := kept.Baseline
		baseline.Drifted = live.Digest
		c.rebase(kept, baseline)
	}
	return result
}

func verdict(same bool, live *diff.Live, desired *manifest.Object) diff.Verdict {
	switch {
	case same:
		return diff.Same
	case live != nil && live.Baseline.Desired == desired.Hash():
		return diff.Drift
	}
	return diff.Update
}

// rebase replaces a record by one with another baseline: records are not
// changed in place, since snapshots share them. The caller holds c.mu.
func (c *Cluster) rebase(live *diff.Live, baseline diff.Baseline) {
	next := *live
	next.Baseline = baseline
	c.records[live.Key] = &next
}
