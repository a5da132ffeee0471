package api

import (
	"fmt"
	"testing"
)

func TestCompleted(t *testing.T) {
	for phase, want := range map[OperationPhase]bool{
		"": false, OperationRunning: false, OperationTerminating: false,
		OperationSucceeded: true, OperationFailed: true, OperationError: true,
	} {
		if got := phase.Completed(); got != want {
			t.Errorf("%q: got %v, want %v", phase, got, want)
		}
	}
}

func TestKnownHooks(t *testing.T) {
	for hook, want := range map[HookType]bool{
		HookPreSync: true, HookSync: true, HookPostSync: true, HookSyncFail: true, HookSkip: true,
		HookPreDelete: true, HookPostDelete: true, "presync": false, "": false,
	} {
		if got := hook.Known(); got != want {
			t.Errorf("hook %q: got %v, want %v", hook, got, want)
		}
	}
	for policy, want := range map[HookDeletePolicy]bool{
		HookDeleteBeforeCreation: true, HookDeleteSucceeded: true, HookDeleteFailed: true, "Never": false, "": false,
	} {
		if got := policy.Known(); got != want {
			t.Errorf("policy %q: got %v, want %v", policy, got, want)
		}
	}
}

func TestApplicationsSync(t *testing.T) {
	for policy, want := range map[ApplicationsSync]string{
		"": "true true", ApplicationsSyncAll: "true true", ApplicationsSyncCreateOnly: "false false",
		ApplicationsSyncCreateUpdate: "true false", ApplicationsSyncCreateDelete: "false true",
	} {
		if got := fmt.Sprint(policy.AllowUpdate(), " ", policy.AllowDelete()); got != want {
			t.Errorf("%q: got update, delete %s, want %s", policy, got, want)
		}
	}
}

func TestSyncWave(t *testing.T) {
	for _, tt := range []struct {
		name, wave, weight string
		want               int
	}{
		{"none", "", "", 0},
		{"wave", "-1", "", -1},
		{"weight", "", "5", 5},
		{"wave beats weight", "0", "5", 0},
		{"no integer", "first", "5", 5},
	} {
		annotations := map[string]string{AnnotationSyncWave: tt.wave, AnnotationHelmHookWeight: tt.weight}
		if got := SyncWave(annotations); got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, got, tt.want)
		}
	}
}
