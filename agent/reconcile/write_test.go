package reconcile

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"

	"github.com/tidelock-io/tidelock/agent/api"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func fullStatus() *api.ApplicationStatus {
	at := metav1.NewTime(time.Unix(1000, 0))
	source := api.Source{RepoURL: "https://git.example.com/infra.git", Path: "shop"}
	return &api.ApplicationStatus{
		Resources:  []api.ResourceStatus{{Kind: "ConfigMap", Name: "a", Status: api.SyncCodeSynced}, {Kind: "Secret", Name: "b", Health: &api.HealthStatus{Status: api.HealthHealthy}}},
		Sync:       api.SyncStatus{Status: api.SyncCodeSynced, Revision: "one", ComparedTo: api.ComparedTo{Source: source}},
		Health:     api.HealthStatus{Status: api.HealthHealthy, LastTransitionTime: &at},
		History:    []api.RevisionHistory{{Revision: "zero", DeployedAt: at}, {Revision: "one", DeployedAt: at, ID: 1}},
		Conditions: []api.Condition{{Type: api.ConditionSyncError, Message: "oh"}}, ReconciledAt: &at,
		OperationState: &api.OperationState{
			Operation: api.Operation{Sync: &api.SyncOperation{Revision: "one"}}, Phase: api.OperationRunning, StartedAt: at,
			SyncResult: &api.SyncResult{Revision: "one", Source: source, Resources: []api.ResourceResult{{Kind: "ConfigMap", Name: "a", Status: api.ResultSynced}}},
		},
		SourceType: api.SourceTypeDirectory, Summary: api.Summary{Images: []string{"web:1"}},
	}
}

// A status patch makes the one status of the other, whatever has changed, and names
// only what has.
func TestStatusPatch(t *testing.T) {
	later := metav1.NewTime(time.Unix(2000, 0))
	for _, tt := range []struct {
		name   string
		change func(s *api.ApplicationStatus)
		patch  string // "" is not checked
	}{
		{"nothing", func(*api.ApplicationStatus) {}, "null"},
		{"an empty list for none", func(s *api.ApplicationStatus) { s.SourceTypes = []api.SourceType{} }, "null"},
		{"less than a second", func(s *api.ApplicationStatus) {
			t := metav1.NewTime(s.ReconciledAt.Add(time.Millisecond))
			s.ReconciledAt = &t
		}, "null"},
		{"a time", func(s *api.ApplicationStatus) { s.ReconciledAt = &later }, `{"reconciledAt":"1970-01-01T00:33:20Z"}`},
		{"a time goes", func(s *api.ApplicationStatus) { s.ReconciledAt = nil }, `{"reconciledAt":null}`},
		{"a revision", func(s *api.ApplicationStatus) { s.Sync.Revision = "two" }, `{"sync":{"revision":"two"}}`},
		{"a phase", func(s *api.ApplicationStatus) { s.OperationState.Phase = api.OperationSucceeded }, `{"operationState":{"phase":"Succeeded"}}`},
		{"one result", func(s *api.ApplicationStatus) { s.OperationState.SyncResult.Resources[0].Status = api.ResultPruned }, ""},
		{"no results", func(s *api.ApplicationStatus) { s.OperationState.SyncResult.Resources = nil }, `{"operationState":{"syncResult":{"resources":null}}}`},
		{"no result", func(s *api.ApplicationStatus) { s.OperationState.SyncResult = nil }, `{"operationState":{"syncResult":null}}`},
		{"another operation", func(s *api.ApplicationStatus) {
			s.OperationState = &api.OperationState{Operation: api.Operation{Info: []api.Info{{Name: "x"}}}, StartedAt: later}
		}, ""},
		{"no operation", func(s *api.ApplicationStatus) { s.OperationState = nil }, `{"operationState":null}`},
		{"one resource less", func(s *api.ApplicationStatus) { s.Resources = s.Resources[:1] }, `{"resources":[{"kind":"ConfigMap","name":"a","status":"Synced"}]}`},
		{"no resources", func(s *api.ApplicationStatus) { s.Resources = nil }, `{"resources":null}`},
		{"conditions in another order", func(s *api.ApplicationStatus) {
			s.Conditions = append([]api.Condition{{Type: "A", Message: "a"}}, s.Conditions...)
		}, ""},
		{"another history", func(s *api.ApplicationStatus) {
			s.History = append(s.History[1:], api.RevisionHistory{Revision: "two", DeployedAt: later, ID: 2})
		}, ""},
		{"all goes", func(s *api.ApplicationStatus) { *s = api.ApplicationStatus{} }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, b := fullStatus(), fullStatus()
			tt.change(b)
			checkPatch(t, a, b, tt.patch)
			checkPatch(t, b, a, "")
			checkPatch(t, &api.ApplicationStatus{}, b, "")
		})
	}
}

func checkPatch(t *testing.T, from, to *api.ApplicationStatus, want string) {
	t.Helper()
	before, after := asJSON(t, from), asJSON(t, to)
	patch, err := statusPatch(from, to)
	if err != nil {
		t.Fatal(err)
	}
	if got := asJSON(t, patch); want != "" && got != want {
		t.Errorf("got patch %s, want %s", got, want)
	}
	if asJSON(t, from) != before || asJSON(t, to) != after {
		t.Error("a status was changed")
	}
	if patch == nil {
		patch = json.RawMessage("{}")
	}
	merged, err := jsonpatch.MergePatch([]byte(before), patch)
	if err != nil {
		t.Fatal(err)
	}
	if !jsonpatch.Equal(merged, []byte(after)) {
		t.Errorf("got  %s\nwant %s\nby %s", merged, after, patch)
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(raw))
}
