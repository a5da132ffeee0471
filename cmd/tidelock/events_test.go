package main

import (
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestTurns(t *testing.T) {
	t.Parallel()
	op := func(started int64, phase api.OperationPhase, message string, automated bool) *api.OperationState {
		return &api.OperationState{
			Phase: phase, Message: message, StartedAt: metav1.NewTime(time.Unix(started, 0)), SyncResult: &api.SyncResult{Revision: "6113728f27ae82c7b1a177c8d03f9e96e0adf246"},
			Operation: api.Operation{InitiatedBy: api.Initiator{Automated: automated}},
		}
	}
	status := func(sync api.SyncCode, health api.HealthCode, op *api.OperationState, conditions ...api.Condition) api.ApplicationStatus {
		return api.ApplicationStatus{Sync: api.SyncStatus{Status: sync}, Health: api.HealthStatus{Status: health}, OperationState: op, Conditions: conditions}
	}
	heal := func(state *api.OperationState, names ...string) *api.OperationState {
		state.Operation.Sync = &api.SyncOperation{}
		for _, name := range names {
			state.Operation.Sync.Resources = append(state.Operation.Sync.Resources, api.SyncResource{Kind: "Deployment", Name: name})
		}
		return state
	}
	failing := api.Condition{Type: api.ConditionSyncError, Message: "deletions are held"}
	for _, tt := range []struct {
		name     string
		was, now api.ApplicationStatus
		want     string
	}{
		{"nothing", status("Synced", "Healthy", nil), status("Synced", "Healthy", nil), ""},
		{"first look", status("", "", nil), status("OutOfSync", "Missing", nil), "ResourceUpdated Updated sync status: Unknown -> OutOfSync, health status: Unknown -> Missing\n"},
		{"first look at what is ill", status("", "", nil), status("Synced", "Degraded", nil), "! ResourceUpdated Updated sync status: Unknown -> Synced, health status: Unknown -> Degraded\n"},
		{"first look, and begun", status("", "", nil), status("OutOfSync", "Missing", op(1, api.OperationRunning, "", true)), "OperationStarted Began a sync to 6113728, automated\n"},
		{"drift", status("Synced", "Healthy", nil), status("OutOfSync", "Healthy", nil), "ResourceUpdated Updated sync status: Synced -> OutOfSync\n"},
		{"drift that heals", status("Synced", "Healthy", nil), status("OutOfSync", "Missing", heal(op(1, api.OperationRunning, "", true), "web")),
			"OperationStarted Began to heal Deployment web to 6113728, automated\n! ResourceUpdated Updated health status: Healthy -> Missing\n"},
		{"much drift that heals", status("Synced", "Healthy", nil), status("Synced", "Healthy", heal(op(1, api.OperationRunning, "", true), "web", "db")),
			"OperationStarted Began to heal 2 objects to 6113728, automated\n"},
		{"a part, by hand", status("OutOfSync", "Healthy", nil), status("OutOfSync", "Healthy", heal(op(1, api.OperationRunning, "", false), "web")), "OperationStarted Began a sync to 6113728, as asked for\n"},
		{"worse", status("Synced", "Healthy", nil), status("Synced", "Degraded", nil), "! ResourceUpdated Updated health status: Healthy -> Degraded\n"},
		{"begun", status("OutOfSync", "Missing", nil), status("OutOfSync", "Missing", op(1, api.OperationRunning, "", true)), "OperationStarted Began a sync to 6113728, automated\n"},
		{"goes on", status("OutOfSync", "Missing", op(1, api.OperationRunning, "a", true)), status("OutOfSync", "Missing", op(1, api.OperationRunning, "b", true)), ""},
		{"ended", status("OutOfSync", "Progressing", op(1, api.OperationRunning, "", true)), status("Synced", "Healthy", op(1, api.OperationSucceeded, "all done", true)),
			"OperationCompleted Sync to 6113728 succeeded: all done\nResourceUpdated Updated health status: Progressing -> Healthy\n"},
		{"begun and ended", status("OutOfSync", "Healthy", op(1, api.OperationSucceeded, "", true)), status("OutOfSync", "Healthy", op(2, api.OperationFailed, "refused", false)),
			"OperationStarted Began a sync to 6113728, as asked for\n! OperationCompleted Sync to 6113728 failed: refused\n"},
		{"a condition", status("Synced", "Healthy", nil), status("Synced", "Healthy", nil, failing), "! SyncError deletions are held\n"},
		{"the same condition", status("Synced", "Healthy", nil, failing), status("Synced", "Healthy", nil, failing), ""},
		{"a condition that is gone", status("Synced", "Healthy", nil, failing), status("Synced", "Healthy", nil), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got strings.Builder
			for _, e := range turns(&api.Application{Status: tt.was}, &api.Application{Status: tt.now}) {
				if e.Warning {
					got.WriteString("! ")
				}
				got.WriteString(e.Reason + " " + e.Message + "\n")
			}
			if got.String() != tt.want {
				t.Errorf("got\n%swant\n%s", &got, tt.want)
			}
		})
	}
}
