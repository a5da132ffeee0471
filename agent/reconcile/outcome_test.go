package reconcile

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/apply"
	"github.com/tidelock-io/tidelock/agent/plan"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A result as status has it.
func TestEntryOf(t *testing.T) {
	key := keyIn("apps/Deployment shop/web")
	for _, tt := range []struct {
		name   string
		phase  api.SyncPhase
		result apply.Result
		want   string
	}{
		{"1.7 syncResult.resources: hookPhase is filled for plain objects, too", api.PhaseSync,
			apply.Result{Key: key, Version: "v1", Code: api.ResultSynced, Message: "Deployment configured"},
			`{"group":"apps","version":"v1","kind":"Deployment","namespace":"shop","name":"web","status":"Synced","message":"Deployment configured","hookPhase":"Running","syncPhase":"Sync"}`},
		{"1.7 syncResult.resources: SyncFailed", api.PhasePreSync,
			apply.Result{Key: key, Version: "v1", Code: api.ResultSyncFailed, Message: "no", Err: errors.New("no")},
			`{"group":"apps","version":"v1","kind":"Deployment","namespace":"shop","name":"web","status":"SyncFailed","message":"no","hookPhase":"Failed","syncPhase":"PreSync"}`},
		{"1.7 syncResult.resources: Pruned", api.PhaseSync, apply.Result{Key: key, Version: "v1", Code: api.ResultPruned, Message: "pruned"},
			`{"group":"apps","version":"v1","kind":"Deployment","namespace":"shop","name":"web","status":"Pruned","message":"pruned","hookPhase":"Succeeded","syncPhase":"Sync"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := json.Marshal(entryOf(tt.phase, tt.result))
			if err != nil || string(got) != tt.want {
				t.Errorf("%v, got\n%s\nwant\n%s", err, got, tt.want)
			}
		})
	}
}

// What a plan keeps is in the result, too.
func TestSkippedResults(t *testing.T) {
	for _, tt := range []struct {
		name, row string
		policy    plan.Policy
		want      string
	}{
		{"2.1 Prune not requested: PruneSkipped", "extra ConfigMap shop/old", plan.Policy{}, "PruneSkipped ignored (requires pruning)"},
		{"1.6 Prune=false: PruneSkipped", "extra ConfigMap shop/old options=Prune=false", plan.Policy{Prune: true}, "PruneSkipped ignored (no prune)"},
	} {
		results := skippedResults(plan.Build(changesIn(t, "same ConfigMap shop/a\n"+tt.row), nil, tt.policy))
		if len(results) != 1 || string(results[0].Code)+" "+results[0].Message != tt.want {
			t.Errorf("%s: got %+v, want %s", tt.name, results, tt.want)
		}
	}
}

// The last word on an object replaces an earlier one, but not one on a hook of the
// same name in another phase.
func TestRecord(t *testing.T) {
	p, op := passOver(&api.Application{}), &api.OperationState{SyncResult: &api.SyncResult{}}
	for _, e := range []api.ResourceResult{
		{Kind: "Job", Name: "a", HookType: api.HookPreSync, Message: "one"}, {Kind: "Job", Name: "a", HookType: api.HookPostSync, Message: "two"},
		{Kind: "Job", Name: "a", Message: "three"}, {Kind: "Job", Name: "a", HookType: api.HookPreSync, Message: "four"},
	} {
		p.record(op, e)
	}
	var got []string
	for _, e := range op.SyncResult.Resources {
		got = append(got, e.Message)
	}
	if strings.Join(got, " ") != "four two three" {
		t.Errorf("got %v", got)
	}
}

// A dry run says what it would do, and that all of it is well.
func TestWouldBe(t *testing.T) {
	changes := changesIn(t, "create ConfigMap shop/new\nupdate Service shop/web\nsame Secret shop/s\nextra ConfigMap shop/old")
	runs := []plan.Run{runOf(t, api.HookPreSync, "batch/Job shop/migrate", ""), runOf(t, api.HookSyncFail, "batch/Job shop/undo", "")}
	var got strings.Builder
	for _, e := range wouldBe(plan.Build(changes, runs, plan.Policy{Prune: true})) {
		fmt.Fprintln(&got, e.SyncPhase, e.Kind, e.Name, e.Status, e.HookType, e.HookPhase, e.Message)
	}
	want := `PreSync Job migrate Synced PreSync Succeeded Job created (dry run)
Sync ConfigMap old Pruned  Succeeded pruned (dry run)
Sync ConfigMap new Synced  Succeeded ConfigMap created (dry run)
Sync Service web Synced  Succeeded Service configured (dry run)
`
	if got.String() != want {
		t.Errorf("2.1 dry run: got\n%s\nwant\n%s", got.String(), want)
	}
}

func TestRemember(t *testing.T) {
	for _, tt := range []struct {
		name, spec, history string
		want                string
	}{
		{"1.7 history.id: the first is 0", "source: {repoURL: r}", `[]`, "0:new"},
		{"1.7 history.id: the last one's plus one", "source: {repoURL: r}", `[{id: 4, deployedAt: null}, {id: 9, deployedAt: null}]`, "4: 9: 10:new"},
		{"1.4 revisionHistoryLimit: ten by default, the oldest go first", "source: {repoURL: r}",
			`[` + strings.Repeat(`{id: 3, deployedAt: null},`, 9) + `{id: 7, deployedAt: null}]`, strings.Repeat("3: ", 8) + "7: 8:new"},
		{"1.4 revisionHistoryLimit: fewer", "source: {repoURL: r}, revisionHistoryLimit: 2", `[{id: 0, deployedAt: null}, {id: 1, deployedAt: null}]`, "1: 2:new"},
		{"1.4 revisionHistoryLimit: 0 keeps none", "source: {repoURL: r}, revisionHistoryLimit: 0", `[{id: 0, deployedAt: null}]`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			app := read[api.Application](t, "{metadata: {}, spec: {destination: {}, project: a, "+tt.spec+"}, status: {history: "+tt.history+"}}")
			before := len(app.Status.History)
			end := metav1.NewTime(at)
			op := &api.OperationState{
				StartedAt: metav1.NewTime(at.Add(-time.Minute)), FinishedAt: &end, SyncResult: &api.SyncResult{Revision: "new", Source: api.Source{RepoURL: "r"}},
				Operation: api.Operation{InitiatedBy: api.Initiator{Username: "ann"}},
			}
			var got []string
			entries := remember(app, op)
			for _, e := range entries {
				got = append(got, fmt.Sprintf("%d:%s", e.ID, e.Revision))
			}
			if strings.Join(got, " ") != tt.want || len(app.Status.History) != before {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if n := len(entries); n > 0 {
				if e := entries[n-1]; e.InitiatedBy.Username != "ann" || !e.DeployedAt.Equal(&end) || !e.DeployStartedAt.Equal(&op.StartedAt) || e.Source.RepoURL != "r" {
					t.Errorf("1.7 history fields: %+v", e)
				}
			}
		})
	}
}

// How an operation ends, as status has it.
func TestEnd(t *testing.T) {
	failed := []apply.Result{{Err: errors.New("one")}, {Err: errors.New("two")}}
	for _, tt := range []struct {
		name, operation string
		failed          []apply.Result
		want            string
	}{
		{"well", `{sync: {}}`, nil, "Succeeded done, history 1, condition "},
		{"2.1 selective sync: leaves no history", `{sync: {resources: [{kind: A, name: a}]}}`, nil, "Succeeded done, history 0, condition "},
		{"not well", `{sync: {}}`, failed, "Failed one (and 1 more), history 0, condition one (and 1 more)"},
		{"1.7 operationState.retryCount: counts", `{sync: {}, retry: {limit: 1}}`, failed, "Running one (and 1 more); retry 1 in 5s, history 0, condition one (and 1 more)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := passOver(&api.Application{})
			op := &api.OperationState{Phase: api.OperationRunning, StartedAt: p.now, Operation: *read[api.Operation](t, tt.operation), SyncResult: &api.SyncResult{}}
			p.end(op, tt.failed, "done")
			got := fmt.Sprintf("%s %s, history %d, condition %s", op.Phase, op.Message, len(p.status.History), p.report.of(api.ConditionSyncError))
			if got != tt.want || op.FinishedAt == nil {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}
