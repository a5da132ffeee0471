package reconcile

import (
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/apply"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/health"
	"github.com/tidelock-io/tidelock/agent/plan"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// For which object of a wave the next one waits.
func TestAwaited(t *testing.T) {
	for _, tt := range []struct{ name, objects, want string }{
		{"2.1 step 3: Healthy is settled", "a=Healthy b=Healthy", "-"},
		{"2.1 step 3: without a check is settled", "a= b=Healthy", "-"},
		{"2.1 step 3: Progressing is awaited", "a=Healthy b=Progressing", "b Progressing"},
		{"2.1 step 3: Missing and Unknown are awaited", "a=Healthy b=Unknown", "b Unknown"},
		{"2.15 fact 8: Degraded fails a wave at once, whatever is on its way", "a=Progressing b=Degraded", "b Degraded"},
		{"2.15 fact 7: Suspended is settled (DESIGN 4)", "a=Suspended b=Healthy", "-"},
		{"the first of several", "a=Progressing b=Progressing", "a Progressing"},
		{"2.6 ignore-healthcheck: is not awaited", "a=Degraded,unmonitored b=Healthy", "-"},
		{"what is not there is applied anew", "a=gone b=Healthy", "-"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var set manifest.Set
			live := diff.Snapshot{}
			for word := range strings.FieldsSeq(tt.objects) {
				name, state, _ := strings.Cut(word, "=")
				code, _, unmonitored := strings.Cut(state, ",")
				o := objectIn(t, "apps/Deployment shop/"+name, "{}")
				set = append(set, o)
				if code != "gone" {
					live[o.Key] = &diff.Live{Key: o.Key, Health: health.Health{Code: api.HealthCode(code)}, Unmonitored: unmonitored}
				}
			}
			got := "-"
			if l := awaited(set, live); l != nil {
				got = l.Key.Name + " " + string(l.Health.Code)
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// Whether a sync waits for the health of its last wave.
func TestGatesLast(t *testing.T) {
	const one, two = "create ConfigMap shop/a", "create ConfigMap shop/a\ncreate Namespace -/b"
	for _, tt := range []struct {
		name, changes, hooks, wait string
		want                       bool
	}{
		{"2.15 fact 6: the last wave is not gated", two, "", "", false},
		{"2.1 last wave: without waves and hooks a sync never waits", one, "", "", false},
		{"2.1 last wave: a PostSync hook forces waiting for the Sync phase", one, "PostSync", "", true},
		{"2.1 last wave: a hook of the only wave does not", one, "Sync", "", false},
		{"2.1 last wave: nor does a PreSync hook", one, "PreSync", "", false},
		{"2.1 last wave: nor one of SyncFail", one, "SyncFail", "", false},
		{"4 last wave: tidelock.io/wait gates it", one, "", "true", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			app := &api.Application{}
			if tt.wait != "" {
				app.Annotations = map[string]string{api.AnnotationWait: tt.wait}
			}
			var runs []plan.Run
			for kind := range strings.FieldsSeq(tt.hooks) {
				runs = append(runs, runOf(t, api.HookType(kind), "batch/Job shop/hook", api.OperationSucceeded))
			}
			if got := passOver(app).gatesLast(plan.Build(changesIn(t, tt.changes), runs, plan.Policy{})); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// For which object that goes a wave waits.
func TestLeaving(t *testing.T) {
	for _, tt := range []struct{ name, live, want string }{
		{"2.1 step 5: one that is pruned and still there", "old deleting", "old"},
		{"the first by name", "z deleting, old deleting", "old"},
		{"2.1 step 5: not one that stays", "old", "-"},
		{"not one that Git states: it comes back", "web deleting", "-"},
		{"not a hook", "old deleting hook", "-"},
	} {
		live := diff.Snapshot{}
		for row := range strings.SplitSeq(tt.live, ", ") {
			words := strings.Fields(row)
			key := keyIn("ConfigMap shop/" + words[0])
			live[key] = &diff.Live{Key: key, Deleting: len(words) > 1, Hook: len(words) > 2}
		}
		got := "-"
		if l := leaving(live, plan.Build(changesIn(t, "same ConfigMap shop/web"), nil, plan.Policy{})); l != nil {
			got = l.Key.Name
		}
		if got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

// How far a run of a hook is, by the health of its object.
func TestProgress(t *testing.T) {
	for _, tt := range []struct {
		name, timeout string
		health        api.HealthCode
		age           time.Duration
		want          string
	}{
		{"2.1 step 3: a hook that is Healthy has succeeded", "", api.HealthHealthy, 0, "Succeeded why"},
		{"2.1 step 3: so has one without a check", "", "", 0, "Succeeded why"},
		{"2.1 step 3: a hook that is Progressing runs", "", api.HealthProgressing, 0, "Running why"},
		{"2.1 step 3: a hook that is Suspended runs", "", api.HealthSuspended, 0, "Running why"},
		{"2.1 step 3: a hook that is Degraded has failed", "", api.HealthDegraded, 0, "Failed why"},
		{"2.1 step 3: so has one that is Unknown", "", api.HealthUnknown, 0, "Failed why"},
		{"4 hooks: have a deadline", "90s", api.HealthProgressing, 2 * time.Minute, "Failed the hook has not ended within 1m30s (tidelock.io/hook-timeout): why"},
		{"an hour by default", "", api.HealthProgressing, 59 * time.Minute, "Running why"},
		{"and then it has failed", "", api.HealthProgressing, time.Hour, "Failed the hook has not ended within 1h0m0s (tidelock.io/hook-timeout): why"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			run := runOf(t, api.HookPreSync, "batch/Job shop/migrate", "")
			if tt.timeout != "" {
				run.Object = objectIn(t, "batch/Job shop/migrate", "metadata: {annotations: {tidelock.io/hook-timeout: "+tt.timeout+"}}")
			}
			run.Live = &diff.Live{Health: health.Health{Code: tt.health, Message: "why"}, Created: at.Add(-tt.age).Unix()}
			phase, message := passOver(&api.Application{}).progress(&run)
			if got := string(phase) + " " + message; got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// How far a run of a hook is, by what status says and what is live.
func TestJudge(t *testing.T) {
	for _, tt := range []struct{ name, recorded, live, want string }{
		{"not begun", "", "", " "},
		{"begun, and nothing recorded yet: a pass of another process did it", "", "ours", "Running at it"},
		{"2.1 state: what has completed is not begun again", "Succeeded", "", "Succeeded done"},
		{"2.2 missing hook: was deleted by hand", "Running", "", "Error Resource batch/Job shop/migrate is missing, it might have been deleted"},
		{"2.2 retry: hooks run again, for the object is of another try", "", "other", " "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			op := &api.OperationState{StartedAt: passOver(&api.Application{}).now, SyncResult: &api.SyncResult{}}
			run := runOf(t, api.HookPreSync, "batch/Job shop/migrate", "")
			if tt.recorded != "" {
				op.SyncResult.Resources = []api.ResourceResult{{Group: "batch", Kind: "Job", Namespace: "shop", Name: "migrate",
					HookType: api.HookPreSync, HookPhase: api.OperationPhase(tt.recorded), Message: "done"}}
			}
			if tt.live != "" {
				run.Live = &diff.Live{Operation: map[string]string{"ours": markOf(op, api.HookPreSync), "other": "1.0.PreSync"}[tt.live],
					Health: health.Health{Code: api.HealthProgressing, Message: "at it"}, Created: at.Unix()}
			}
			passOver(&api.Application{}).judge(op, &run)
			if got := string(run.Phase) + " " + run.Message; got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// What of an operation's result ends it: not SyncFail hooks, which only add text.
func TestFailures(t *testing.T) {
	op := &api.OperationState{SyncResult: &api.SyncResult{Resources: []api.ResourceResult{
		{Kind: "ConfigMap", Name: "fine", SyncPhase: api.PhaseSync, HookPhase: api.OperationSucceeded},
		{Kind: "ConfigMap", Name: "bad", SyncPhase: api.PhaseSync, HookPhase: api.OperationFailed, Message: "refused"},
		{Kind: "Job", Name: "hook", SyncPhase: api.PhasePreSync, HookType: api.HookPreSync, HookPhase: api.OperationError, Message: "lost"},
		{Kind: "Job", Name: "undo", SyncPhase: api.PhaseSyncFail, HookType: api.HookSyncFail, HookPhase: api.OperationFailed, Message: "also bad"},
	}}}
	if got, want := texts(failures(op)), "refused; PreSync hook Job hook failed: lost"; got != want {
		t.Errorf("2.2 SyncFail: got %q, want %q", got, want)
	}
	if got := describe(failures(op)); got != "refused (and 1 more)" {
		t.Errorf("2.1 step 6: described as %q", got)
	}
}

func texts(failed []apply.Result) string {
	var all []string
	for _, f := range failed {
		all = append(all, f.Err.Error())
	}
	return strings.Join(all, "; ")
}

// What ends an operation stands in its result, so that the pass after the hooks of
// SyncFail does not wait for it anew.
func TestFailObject(t *testing.T) {
	for _, tt := range []struct{ name, recorded, want string }{
		{"applied", `[{kind: Job, group: batch, version: v1, name: a, namespace: shop, status: Synced, hookPhase: Running, syncPhase: Sync}]`, "Synced Failed too long"},
		{"as it should be, and never recorded", `[]`, " Failed too long"},
		{"of a hook of the name nothing is changed", `[{kind: Job, group: batch, version: v1, name: a, namespace: shop, status: Synced, hookType: PreSync, hookPhase: Succeeded, syncPhase: PreSync}]`,
			"Synced Succeeded ,  Failed too long"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := passOver(&api.Application{})
			op := read[api.OperationState](t, `{phase: Running, startedAt: "2026-11-22T12:00:00Z", operation: {sync: {}}, syncResult: {revision: new, resources: `+tt.recorded+`}}`)
			running := plan.Plan{Waves: []plan.Wave{{Phase: api.PhaseSyncFail, Runs: []plan.Run{runOf(t, api.HookSyncFail, "batch/Job shop/cry", api.OperationRunning)}}}}
			p.failObject(t.Context(), op, running, keyIn("batch/Job shop/a"), "too long")
			var got []string
			for _, r := range op.SyncResult.Resources {
				got = append(got, string(r.Status)+" "+string(r.HookPhase)+" "+r.Message)
			}
			if text := strings.Join(got, ", "); text != tt.want || len(failures(op)) != 1 {
				t.Errorf("got %q, failures %v; want %q", text, failures(op), tt.want)
			}
		})
	}
}
