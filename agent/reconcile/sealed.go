package reconcile

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets/resolve"
)

// A SealedSecret is here in one of three ways (DESIGN.md D5). Where its kind is
// not served, it is not applied: its Secret is. Where its kind is served and its
// controller is not there, both are, and its status says what came of it. Where
// its controller is there, it is applied, and the Secret is the controller's.
//
// Controllers come and go. One that comes must not find a Secret that it would
// refuse, and a Secret is never deleted because somebody else makes it now: see
// yields. What one that has gone left behind is taken over by agent/apply.

func isSealed(key manifest.Key) bool { return key.Group == "bitnami.com" && key.Kind == "SealedSecret" }

// secretOf is the Secret that a SealedSecret makes.
func secretOf(key manifest.Key) manifest.Key {
	return manifest.Key{Kind: "Secret", Namespace: key.Namespace, Name: key.Name}
}

// yielded finds live Secrets of ours that a SealedSecret's controller makes from
// now on.
func yielded(changes []diff.Change) map[manifest.Key]*diff.Live {
	extra := map[manifest.Key]*diff.Live{}
	for _, c := range changes {
		if c.Verdict == diff.Extra && c.Key.Group == "" && c.Key.Kind == "Secret" {
			extra[c.Key] = c.Live
		}
	}
	if len(extra) == 0 {
		return nil
	}
	yielded := map[manifest.Key]*diff.Live{}
	for _, c := range changes {
		if c.Desired == nil || !isSealed(c.Key) {
			continue
		}
		if live := extra[secretOf(c.Key)]; live != nil {
			yielded[live.Key] = live
		}
	}
	return yielded
}

// yield leaves such Secrets to their controller, before it sees their
// SealedSecrets.
func (p *pass) yield(ctx context.Context, changes []diff.Change) error {
	for _, live := range yielded(changes) {
		if err := p.apply.Yield(ctx, live); err != nil {
			return err
		}
		p.log.Info("left to the controller of its SealedSecret", "object", live.Key)
	}
	return nil
}

// unsealed tells SealedSecrets that are applied beside their Secrets what came of
// them. It is what their health goes by.
func (p *pass) unsealed(ctx context.Context, changes []diff.Change) {
	byKey := map[manifest.Key]diff.Change{}
	for _, c := range changes {
		byKey[c.Key] = c
	}
	for _, c := range changes {
		if c.Desired == nil || !isSealed(c.Desired.MadeOf) {
			continue
		}
		of := byKey[c.Desired.MadeOf]
		if of.Desired == nil || of.Live == nil {
			continue
		}
		if c.Verdict == diff.Same && c.Live != nil && !c.Live.Deleting {
			p.tellSealed(ctx, of.Live, "")
		} else if failure := p.failureOf(c.Key); failure != "" {
			p.tellSealed(ctx, of.Live, failure)
		}
	}
}

// failureOf is why an object could not be applied, "" if nobody knows of any reason.
func (p *pass) failureOf(key manifest.Key) string {
	op := p.status.OperationState
	if op == nil || op.SyncResult == nil {
		return ""
	}
	for _, r := range op.SyncResult.Resources {
		if r.Status == api.ResultSyncFailed && r.Group == key.Group && r.Kind == key.Kind && r.Namespace == key.Namespace && r.Name == key.Name {
			return r.Message
		}
	}
	return ""
}

// sealedFailed tells the SealedSecrets that could not be opened, as far as they are
// in the cluster and ours.
func (p *pass) sealedFailed(ctx context.Context, err error) {
	var failures resolve.Failures
	if !errors.As(err, &failures) || p.apply == nil || p.to.Cluster == nil {
		return
	}
	live := p.to.Cluster.Snapshot(p.name, nil)
	for _, f := range failures {
		if l := live[f.Object]; l != nil && isSealed(f.Object) && l.App == p.name {
			p.tellSealed(ctx, l, clip(f.Reason()))
		}
	}
}

// tellSealed writes a SealedSecret's status, unless that was done for it as it is.
func (p *pass) tellSealed(ctx context.Context, live *diff.Live, failure string) {
	told, at := fmt.Sprint(live.UID, live.ResourceVersion, failure), located{p.to.dest.Server, live.Key}
	p.r.mu.Lock()
	known := p.r.told[at] == told
	p.r.mu.Unlock()
	if known {
		return
	}
	if err := p.apply.TellSealed(ctx, live, failure, p.now.Time); err != nil {
		p.log.Warn("cannot say on a SealedSecret what came of it", "error", err)
		return
	}
	p.r.mu.Lock()
	defer p.r.mu.Unlock()
	p.r.told[at] = told
}

// untell forgets what was told of SealedSecrets that are gone. The caller holds
// r.mu.
func (r *Reconciler) untell(name string, to goal) {
	for key := range to.Cluster.Snapshot(name, nil) {
		delete(r.told, located{to.dest.Server, key})
	}
}
