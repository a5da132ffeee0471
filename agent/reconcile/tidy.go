package reconcile

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/apply"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/plan"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A fate is what is to become of a hook's object.
type fate int

const (
	keep    fate = iota // its outcome is not in the stored status yet
	release             // nobody waits for it: it may go when it likes
	remove              // it goes now
)

// tidy lets go of the hooks whose outcome is stored, and deletes those whose
// delete policy says so (SEMANTICS.md 2.2). It goes by the status as it is
// stored and the live objects alone, so that the next pass goes on where one
// was cut off.
func (p *pass) tidy(ctx context.Context) {
	for _, l := range p.liveHooks() {
		var err error
		fate := p.fate(l)
		if fate != keep && p.apply == nil {
			err = p.authority() // which a spec that is wrong otherwise does not hinder
		}
		switch {
		case fate == keep || err != nil:
		case fate == release:
			err = p.releaseHook(ctx, l)
		case fate == remove:
			err = p.removeHook(ctx, l)
		}
		if err != nil {
			p.log.Warn("cannot tidy up after a hook", "hook", l.Key, "error", err)
			p.failed = true
		}
	}
}

// fate decides on a hook's object. One of a deletion stays until its stage is
// over; what becomes of it in the end, its clean-up says.
func (p *pass) fate(l *diff.Live) fate {
	for _, h := range hookFinalizers {
		over := p.app.DeletionTimestamp != nil && !slices.Contains(p.app.Finalizers, h.finalizers[0])
		if over && ofThis(p.app, l, h.of) {
			return release
		}
	}
	return fateOf(p.written.OperationState, l)
}

// fateOf decides, by the stored operation, on a hook's object.
func fateOf(op *api.OperationState, l *diff.Live) fate {
	started, try, moment, ok := parseMark(l.Operation)
	over := gone(l)
	switch policies := plan.ParsePolicies(l.HookPolicies, ""); {
	case !ok || moment == api.HookPreDelete || moment == api.HookPostDelete:
		return keep
	case op == nil || started != fmt.Sprint(op.StartedAt.Unix()): // superseded
		return over
	case try != fmt.Sprint(op.RetryCount), op.Phase == api.OperationFailed, op.Phase == api.OperationError:
		if policies.Failed {
			return remove
		}
		return over
	case op.Phase == api.OperationSucceeded:
		if policies.Succeeded {
			return remove
		}
		return over
	}
	if op.SyncResult == nil {
		return keep
	}
	for _, entry := range op.SyncResult.Resources {
		if keyOf(entry) == l.Key && entry.HookType == moment && entry.HookPhase.Completed() {
			return release
		}
	}
	return keep
}

// gone is the fate of a hook whose operation is over: one that still runs is
// removed, for nobody waits for its outcome any more.
func gone(l *diff.Live) fate {
	if l.Health.Code == api.HealthProgressing || l.Health.Code == api.HealthSuspended {
		return remove
	}
	return release
}

// parseMark is the inverse of markOf.
func parseMark(mark string) (started, try string, moment api.HookType, ok bool) {
	started, rest, ok := strings.Cut(mark, ".")
	try, word, ok2 := strings.Cut(rest, ".")
	return started, try, api.HookType(word), ok && ok2
}

func (p *pass) releaseHook(ctx context.Context, l *diff.Live) error {
	if !l.Finalizer {
		return nil
	}
	return p.apply.ReleaseHook(ctx, l)
}

// removeHook deletes a hook and lets go of it, in this order: once it has no
// finalizer it may go, and another come under its name.
func (p *pass) removeHook(ctx context.Context, l *diff.Live) error {
	if !l.Deleting {
		result := p.apply.Delete(ctx, []diff.Change{{Key: l.Key, Verdict: diff.Extra, Live: l}}, p.hookPropagation())
		if result[0].Err != nil {
			return result[0].Err
		}
	}
	return p.releaseHook(ctx, l)
}

// hookPropagation is that of the operation's prunes (SEMANTICS.md 2.2); without
// one, as the Application's policy says.
func (p *pass) hookPropagation() metav1.DeletionPropagation {
	options := p.app.Spec.SyncPolicy.Options()
	if op := p.status.OperationState; op != nil && op.Operation.Sync != nil {
		options = op.Operation.Sync.SyncOptions
	}
	return apply.Options{Sync: options}.Propagation()
}
