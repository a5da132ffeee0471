package main

import (
	"fmt"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/depend"
	"github.com/tidelock-io/tidelock/agent/reconcile"
)

// idle says why nothing is done about what differs.
func (w *whys) idle() (all []reason) {
	op, policy := w.app.Status.OperationState, w.app.Spec.SyncPolicy
	if !w.isOutOfSync() || w.app.Operation != nil || op != nil && !op.Phase.Completed() {
		return nil
	}
	if !policy.IsAutomated() {
		return []reason{{Topic: topicIdle, Text: "nothing syncs it by itself: spec.syncPolicy.automated is off", Hint: "tidelock sync " + w.app.Name}}
	}
	due := reconcile.NextSync(w.app, w.now, w.rest)
	if due.Because != "" {
		r := reason{Topic: topicIdle, Text: due.Because, Until: due.At}
		if due.At.IsZero() {
			r.Hint = "tidelock sync " + w.app.Name
		}
		all = append(all, r)
	}
	if w.onlyExtra() && !policy.Automated.Prunes() {
		all = append(all, reason{
			Topic: topicIdle, Text: "what is no longer in Git stays: spec.syncPolicy.automated.prune is off", Hint: "tidelock sync " + w.app.Name + " --prune",
		})
	}
	return all
}

func (w *whys) isOutOfSync() bool {
	return w.app.Status.Sync.Status == api.SyncCodeOutOfSync || w.look != nil && w.look.differs()
}

// onlyExtra says that something is no longer in Git, and that nothing else
// differs.
func (w *whys) onlyExtra() bool {
	extra := false
	for _, res := range w.app.Status.Resources {
		if res.Hook || res.Status == api.SyncCodeSynced {
			continue
		}
		if !res.RequiresPruning {
			return false
		}
		extra = true
	}
	return extra
}

// blocked names who does not let a sync be.
func (w *whys) blocked() (all []reason) {
	op := w.app.Status.OperationState
	running := w.app.Operation != nil || op != nil && !op.Phase.Completed()
	if !w.isOutOfSync() && !running {
		return nil
	}
	if w.windows != nil {
		manual := running && (op == nil || op.Phase.Completed() || !op.Operation.InitiatedBy.Automated)
		all = append(all, w.closed(manual)...)
	}
	for _, d := range w.dependencies {
		if text := d.lacks(); text != "" {
			all = append(all, reason{Topic: topicBlocked, Text: "it depends on application " + text, Hint: "tidelock why " + d.name})
		}
	}
	if w.look != nil && w.look.Unapproved != "" {
		all = append(all, reason{
			Topic: topicBlocked, Text: w.look.Unapproved,
			Hint: fmt.Sprintf("tidelock plan %s shows it, %s lets it be", w.app.Name, w.look.approval()),
		})
	}
	if w.look != nil && w.look.Plan.Guard != "" {
		all = append(all, reason{
			Topic: topicBlocked, Text: "deletions are held: " + w.look.Plan.Guard,
			Hint: fmt.Sprintf("tidelock plan %s shows them, tidelock sync %s --prune --approve %s lets them be", w.app.Name, w.app.Name, w.look.Plan.Hash()),
		})
	}
	return all
}

func (w *whys) closed(manual bool) []reason {
	v := w.windows.At(w.now, manual)
	if v.Allowed {
		return nil
	}
	r := reason{Topic: topicBlocked, Text: "sync window " + v.Reason, Until: v.Until}
	if byHand := w.windows.At(w.now, true); !manual && byHand.Allowed {
		r.Hint = "a sync that you ask for may go: tidelock sync " + w.app.Name
	}
	return []reason{r}
}

// lacks says what a dependency has to become; "" if it is.
func (d dependency) lacks() string {
	if d.err != nil {
		return d.name + ", which cannot be read: " + oneLine(d.err.Error())
	}
	if lacks := depend.Lacks(d.app); lacks != "" {
		return d.name + ", which " + lacks
	}
	return ""
}
