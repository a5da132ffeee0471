package cluster

import (
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/render/manifest"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Accept takes the server's answer to an apply of desired: the object, and the
// baseline that later drift is measured from (DRIFT.md rule 10).
func (c *Cluster) Accept(desired *manifest.Object, answer map[string]any) {
	live := c.identify(desired.GVK(), answer)
	c.fill(live, desired.GVK(), answer)
	baseline := diff.Baseline{Desired: desired.Hash(), Digest: live.Digest}
	c.mu.Lock()
	apps := c.keep(live)
	if kept := c.records[live.Key]; kept != nil && kept.UID == live.UID {
		next := *kept
		next.Baseline, next.Judged = baseline, diff.Judged{}
		c.records[live.Key] = &next
	}
	c.mu.Unlock()
	c.tell(apps, false)
}

// Observe takes an object that the server has answered with, to whatever
// question.
func (c *Cluster) Observe(gvk schema.GroupVersionKind, object map[string]any) { c.ingest(gvk, object) }

// Deleting takes the server's consent to a deletion, which a watch will tell of
// only later. Until then nothing is to be done about the object any more.
func (c *Cluster) Deleting(live *diff.Live) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := c.records[live.Key]
	if kept == nil || kept.UID != live.UID {
		return
	}
	next := *kept
	next.Deleting = true
	c.records[live.Key] = &next
}

// Judge takes the server's answer to a dry run of desired over live. If it
// would change nothing, the live state is the new baseline and Judge returns
// Same. Any other verdict is remembered, for as long as neither Git nor the live
// state changes (DRIFT.md rules 2 and 3).
func (c *Cluster) Judge(desired *manifest.Object, live *diff.Live, answer map[string]any) diff.Verdict {
	verdict := Differs(desired, live)
	if live.Digest != "" && live.Digest == c.digest(desired.GVK(), answer, c.ignored(live, answer, live.Ignored)) {
		verdict = diff.Same
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := c.records[desired.Key]
	if kept == nil || kept.UID != live.UID || kept.Digest != live.Digest {
		return verdict
	}
	next := *kept // records are not changed in place, since snapshots share them
	if verdict == diff.Same {
		next.Baseline, next.Judged = diff.Baseline{Desired: desired.Hash(), Digest: live.Digest}, diff.Judged{}
	} else {
		next.Judged = diff.Judged{Desired: desired.Hash(), Digest: live.Digest, Verdict: verdict}
	}
	c.records[desired.Key] = &next
	return verdict
}

// Differs is the verdict on a live object that is not as desired, or on one
// whose dry run was refused: Update if Git has changed since it was applied, or
// if it never was, else Drift.
func Differs(desired *manifest.Object, live *diff.Live) diff.Verdict {
	applied := live.Baseline.Desired
	if live.Digest == "" || applied != "" && applied != desired.Hash() {
		return diff.Update
	}
	return diff.Drift
}
