package rival

import (
	"fmt"
	"slices"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// SetManager is the field manager of Argo CD's applicationset controller.
const SetManager = "argocd-applicationset-controller"

// OfSet is the last word in an ApplicationSet's status. Argo CD's controller notes no
// looks, but only what has changed, so that it may be silent for long. One that was held
// for it has our word last, which says so.
func OfSet(set *api.ApplicationSet) (look Look) {
	var ours time.Time
	for _, entry := range set.ManagedFields {
		switch {
		case !said(entry):
		case entry.Manager == SetManager:
			look.At = entry.Time.Time
		case entry.Time.After(ours):
			ours = entry.Time.Time
		}
	}
	held := slices.ContainsFunc(set.Status.Conditions, func(c api.ApplicationSetCondition) bool { return c.Type == api.ApplicationSetRivalWarning })
	look.Theirs = held || !look.At.IsZero() && !look.At.Before(ours)
	if !look.Theirs {
		look.At = ours
	}
	return look
}

// said says that an entry is of a set's status.
func said(entry metav1.ManagedFieldsEntry) bool {
	return entry.Subresource == "status" && entry.Time != nil
}

// KeptOfSet is what [OfSet] needs of an ApplicationSet's managed fields.
func KeptOfSet(entries []metav1.ManagedFieldsEntry) (kept []metav1.ManagedFieldsEntry) {
	for _, entry := range entries {
		if said(entry) {
			kept = append(kept, metav1.ManagedFieldsEntry{Manager: entry.Manager, Subresource: entry.Subresource, Time: entry.Time})
		}
	}
	return kept
}

// JudgeSet says whether an ApplicationSet is Argo CD's: for as long as its applicationset
// controller is seen to run, whether it has said anything lately or not; and without a
// sight of it, until it has said nothing for patience.
func JudgeSet(look Look, state State, patience time.Duration, now time.Time) Verdict {
	if !look.Theirs && !look.At.IsZero() {
		return Verdict{}
	}
	silence := now.Sub(look.At)
	switch {
	case state == Runs:
		return Verdict{true, "Argo CD's applicationset controller runs and works on this ApplicationSet, so that nothing is done about it here, for two would undo each other's work: stop one of the two, as tidelock migrate explains", pause}
	case state == Stopped, look.At.IsZero(), silence > patience:
		return Verdict{}
	}
	return Verdict{
		true, fmt.Sprintf("Argo CD has changed the status of this ApplicationSet lately, and its applicationset controller is not seen to be stopped: nothing is done here until it has not for %s", patience),
		min(pause, patience-silence+time.Second),
	}
}
