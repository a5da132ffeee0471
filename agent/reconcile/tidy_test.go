package reconcile

import (
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/health"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What becomes of a hook's object, by the stored operation. Its mark is of the
// operation's first try, in PreSync, unless a case says otherwise.
func TestFateOf(t *testing.T) {
	names := map[fate]string{keep: "keep", release: "release", remove: "remove"}
	for _, tt := range []struct {
		name, op, policies, mark string
		health                   api.HealthCode
		want                     string
	}{
		{"it runs", "Running", "", "", api.HealthProgressing, "keep"},
		{"2.2 finalizer: stays until the outcome is stored", "Running", "", "", api.HealthHealthy, "keep"},
		{"2.2 finalizer: goes when the hook has completed", "Running completed", "", "", api.HealthHealthy, "release"},
		{"2.15 fact 9: HookSucceeded does nothing when its own phase ends", "Running completed", "HookSucceeded", "", api.HealthHealthy, "release"},
		{"2.2 HookSucceeded: deletes when the whole sync has succeeded", "Succeeded completed", "HookSucceeded", "", api.HealthHealthy, "remove"},
		{"2.2 HookSucceeded: not when the sync fails", "Failed completed", "HookSucceeded", "", api.HealthHealthy, "release"},
		{"2.2 HookFailed: deletes when the sync fails", "Failed completed", "HookFailed", "", api.HealthDegraded, "remove"},
		{"2.2 HookFailed: deletes a hook that itself succeeded", "Failed completed", "HookFailed", "", api.HealthHealthy, "remove"},
		{"2.2 HookFailed: also if the operation is in error", "Error completed", "HookFailed", "", api.HealthHealthy, "remove"},
		{"2.2 HookFailed: not when the sync succeeds", "Succeeded completed", "HookFailed", "", api.HealthHealthy, "release"},
		{"2.2 BeforeHookCreation: stays after the sync", "Succeeded completed", "BeforeHookCreation", "", api.HealthHealthy, "release"},
		{"2.2 delete policies: the default is BeforeHookCreation", "Succeeded completed", "", "", api.HealthHealthy, "release"},
		{"2.1 Terminate: a hook that runs when its operation is over is removed", "Failed", "", "", api.HealthProgressing, "remove"},
		{"so is a suspended one", "Failed", "", "", api.HealthSuspended, "remove"},
		{"of the try before", "Running retry", "", "", api.HealthHealthy, "release"},
		{"of the try before, which has failed", "Running retry", "HookFailed", "", api.HealthHealthy, "remove"},
		{"of an operation that was superseded", "Running", "", "1.0.PreSync", api.HealthProgressing, "remove"},
		{"of an earlier operation", "Running", "HookSucceeded", "1.0.PreSync", api.HealthHealthy, "release"},
		{"no mark of ours", "Succeeded", "HookSucceeded", "none", api.HealthHealthy, "keep"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := &diff.Live{Key: keyIn("batch/Job shop/migrate"), HookPolicies: tt.policies, Hook: true, Finalizer: true, Health: health.Health{Code: tt.health}}
			op := opIn(tt.op, l)
			first := *op
			first.RetryCount = 0
			l.Operation = markOf(&first, api.HookPreSync)
			if tt.mark != "" {
				l.Operation = tt.mark
			}
			if got := names[fateOf(op, l)]; got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	if got := fateOf(nil, &diff.Live{Operation: "1.0.PreSync", Health: health.Health{Code: api.HealthProgressing}}); got != remove {
		t.Errorf("a hook of a status that was wiped: %s", names[got])
	}
}

// opIn reads an operation, such as "Running completed": the hook has completed.
func opIn(text string, l *diff.Live) *api.OperationState {
	words := strings.Fields(text)
	op := &api.OperationState{Phase: api.OperationPhase(words[0]), StartedAt: metav1.NewTime(at), SyncResult: &api.SyncResult{}}
	for _, word := range words[1:] {
		switch word {
		case "retry":
			op.RetryCount = 1
		case "completed":
			op.SyncResult.Resources = []api.ResourceResult{{
				Group: l.Key.Group, Kind: l.Key.Kind, Namespace: l.Key.Namespace, Name: l.Key.Name,
				HookType: api.HookPreSync, HookPhase: api.OperationSucceeded,
			}}
		}
	}
	return op
}

// A mark is read as it was written, and what is no mark keeps the object.
func FuzzMark(f *testing.F) {
	f.Add(int64(1790000000), int64(3), "PreSync", "")
	f.Add(int64(-1), int64(0), "", "1.2")
	f.Add(int64(0), int64(0), "a.b", "...")
	f.Fuzz(func(t *testing.T, started, try int64, moment, text string) {
		op := &api.OperationState{StartedAt: metav1.NewTime(time.Unix(started, 0)), RetryCount: try}
		mark := markOf(op, api.HookType(moment))
		a, b, m, ok := parseMark(mark)
		if !ok || a+"."+b+"."+string(m) != mark || m != api.HookType(moment) {
			t.Errorf("%q is read as %q, %q, %q, %v", mark, a, b, m, ok)
		}
		if a, b, m, ok := parseMark(text); ok && a+"."+b+"."+string(m) != text {
			t.Errorf("%q is read as %q, %q, %q", text, a, b, m)
		} else if !ok && fateOf(op, &diff.Live{Operation: text}) != keep {
			t.Errorf("%q is no mark, and yet its object does not stay", text)
		}
	})
}

// How hooks are deleted.
func TestHookPropagation(t *testing.T) {
	const background, orphan = "PrunePropagationPolicy=background", "PrunePropagationPolicy=orphan"
	for _, tt := range []struct {
		name, policy string
		operation    *api.Operation
		want         metav1.DeletionPropagation
	}{
		{"2.2 delete propagation: foreground", "", nil, metav1.DeletePropagationForeground},
		{"2.2 delete propagation: the policy's without an operation", background, nil, metav1.DeletePropagationBackground},
		{"2.2 delete propagation: the operation's", background, syncWith(orphan), metav1.DeletePropagationOrphan},
		{"an operation that says nothing", background, syncWith(), metav1.DeletePropagationForeground},
	} {
		t.Run(tt.name, func(t *testing.T) {
			app := &api.Application{}
			if tt.policy != "" {
				app.Spec.SyncPolicy = &api.SyncPolicy{SyncOptions: api.SyncOptions{tt.policy}}
			}
			if tt.operation != nil {
				app.Status.OperationState = &api.OperationState{Operation: *tt.operation}
			}
			if got := passOver(app).hookPropagation(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func syncWith(options ...string) *api.Operation {
	return &api.Operation{Sync: &api.SyncOperation{SyncOptions: options}}
}
