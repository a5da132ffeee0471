package reconcile

import (
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What the status says is enough to tell when the agent syncs next.
func TestNextSync(t *testing.T) {
	now := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)
	finished := metav1.NewTime(now.Add(-time.Minute))
	source := api.Source{RepoURL: "https://git.example/shop.git", Path: "web"}
	drifted := api.ResourceStatus{Kind: "ConfigMap", Name: "a", Status: api.SyncCodeOutOfSync}
	extra := api.ResourceStatus{Kind: "ConfigMap", Name: "b", Status: api.SyncCodeOutOfSync, RequiresPruning: true}
	synced := api.ResourceStatus{Kind: "ConfigMap", Name: "c", Status: api.SyncCodeSynced}
	for _, tt := range []struct {
		name      string
		automated *api.Automated
		phase     api.OperationPhase
		heals     int64
		at        string // revision that is compared with
		resources []api.ResourceStatus
		want      Due
	}{
		{"not automated", nil, api.OperationSucceeded, 0, "1", []api.ResourceStatus{drifted}, Due{}},
		{"all well", &api.Automated{}, api.OperationSucceeded, 0, "1", []api.ResourceStatus{synced}, Due{}},
		{"a new commit", &api.Automated{}, api.OperationSucceeded, 0, "2", []api.ResourceStatus{drifted}, Due{Begins: true}},
		{"drift", &api.Automated{}, api.OperationSucceeded, 0, "1", []api.ResourceStatus{drifted}, Due{Because: "the live state has drifted, and selfHeal is off"}},
		{"the first heal", &api.Automated{SelfHeal: on(true)}, api.OperationSucceeded, 0, "1", []api.ResourceStatus{drifted}, Due{Begins: true}},
		{"the fifth heal", &api.Automated{SelfHeal: on(true)}, api.OperationSucceeded, 5, "1", []api.ResourceStatus{drifted},
			Due{At: finished.Add(162 * time.Second), Because: "self-heal attempt 6 waits"}},
		{"a failed revision rests", &api.Automated{}, api.OperationFailed, 0, "1", []api.ResourceStatus{drifted},
			Due{At: finished.Add(3 * time.Minute), Because: "the last sync of this revision failed: boom"}},
		{"only a prune, and prune is off", &api.Automated{}, api.OperationSucceeded, 0, "2", []api.ResourceStatus{extra}, Due{}},
		{"only a prune", &api.Automated{Prune: on(true)}, api.OperationSucceeded, 0, "2", []api.ResourceStatus{extra}, Due{Begins: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			app := &api.Application{}
			app.Spec.Source = &source
			if tt.automated != nil {
				app.Spec.SyncPolicy = &api.SyncPolicy{Automated: tt.automated}
			}
			app.Status.Sync.Revision = tt.at
			app.Status.Resources = tt.resources
			app.Status.OperationState = &api.OperationState{
				Phase: tt.phase, Message: "boom", FinishedAt: &finished,
				Operation:  api.Operation{Sync: &api.SyncOperation{SelfHealAttemptsCount: tt.heals}},
				SyncResult: &api.SyncResult{Revision: "1", Source: source},
			}
			if got := NextSync(app, now, 3*time.Minute); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestRetryAt(t *testing.T) {
	finished := metav1.NewTime(time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC))
	factor := int64(2)
	retry := api.Retry{Limit: 5, Backoff: &api.Backoff{Duration: "5s", Factor: &factor, MaxDuration: "3m"}}
	for _, tt := range []struct {
		name string
		op   *api.OperationState
		want time.Time
	}{
		{"none", nil, time.Time{}},
		{"running", &api.OperationState{Phase: api.OperationRunning}, time.Time{}},
		{"ended", &api.OperationState{Phase: api.OperationFailed, FinishedAt: &finished}, time.Time{}},
		{"the first retry", &api.OperationState{Phase: api.OperationRunning, FinishedAt: &finished, RetryCount: 1, Operation: api.Operation{Retry: retry}}, finished.Add(5 * time.Second)},
		{"the third", &api.OperationState{Phase: api.OperationRunning, FinishedAt: &finished, RetryCount: 3, Operation: api.Operation{Retry: retry}}, finished.Add(20 * time.Second)},
	} {
		if got := RetryAt(tt.op); !got.Equal(tt.want) {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}
