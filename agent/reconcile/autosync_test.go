package reconcile

import (
	"fmt"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/render/manifest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var at = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func on(b bool) *bool { return &b }

// appWith returns an automated Application whose last operation was for
// revision "one" and ended ago before at.
func appWith(automated api.Automated, phase api.OperationPhase, attempts int64, ago time.Duration) *api.Application {
	source := api.Source{RepoURL: "https://git.example/shop.git", Path: "shop"}
	app := &api.Application{Spec: api.ApplicationSpec{Source: &source, SyncPolicy: &api.SyncPolicy{Automated: &automated}}}
	if phase != "" {
		ended := metav1.NewTime(at.Add(-ago))
		app.Status.OperationState = &api.OperationState{
			Phase: phase, FinishedAt: &ended, Message: "no room",
			Operation:  api.Operation{Sync: &api.SyncOperation{SelfHealAttemptsCount: attempts}},
			SyncResult: &api.SyncResult{Revision: "one", Source: source},
		}
	}
	return app
}

func changesOf(verdicts ...diff.Verdict) []diff.Change {
	var changes []diff.Change
	for _, v := range verdicts {
		changes = append(changes, diff.Change{Verdict: v, Live: &diff.Live{}})
	}
	return changes
}

func TestAutoSync(t *testing.T) {
	prune := api.Automated{Prune: on(true)}
	healing := api.Automated{SelfHeal: on(true)}
	for _, tt := range []struct {
		name     string
		app      *api.Application
		changes  []diff.Change
		revision string
		want     string
	}{
		{"nothing to do", appWith(prune, "", 0, 0), changesOf(diff.Same), "one", "no"},
		{"first sync", appWith(api.Automated{}, "", 0, 0), changesOf(diff.Create), "one", "full"},
		{"1.4 automated.enabled: false turns it off", appWith(api.Automated{Enabled: on(false)}, "", 0, 0), changesOf(diff.Create), "one", "no"},
		{"another application's object alone", appWith(prune, "", 0, 0), changesOf(diff.Foreign), "one", "no"},
		{"1.4 automated.prune: without it extra objects alone begin no sync", appWith(api.Automated{}, "", 0, 0), changesOf(diff.Same, diff.Extra), "one", "no"},
		{"it is to stay after a sync, too", appWith(healing, api.OperationSucceeded, 0, 0), changesOf(diff.Same, diff.Extra), "one", "no"},
		{"1.4 auto-sync decision: another revision begins a sync", appWith(prune, api.OperationSucceeded, 0, time.Hour), changesOf(diff.Update), "two", "full"},
		{"1.4 automated.selfHeal: without it drift at a synced revision is left", appWith(prune, api.OperationSucceeded, 0, time.Hour), changesOf(diff.Drift), "one",
			"no because the live state has drifted, and selfHeal is off"},
		{"a value changed at the same revision", appWith(prune, api.OperationSucceeded, 0, time.Hour), changesOf(diff.Update), "one", "full"},
		{"1.4 self-heal pacing: the first at once", appWith(healing, api.OperationSucceeded, 0, 0), changesOf(diff.Drift), "one", "heal 1"},
		{"1.4 self-heal pacing: then 2 s, times three each time", appWith(healing, api.OperationSucceeded, 1, time.Second), changesOf(diff.Drift), "one",
			"no because self-heal attempt 2 waits in 1s"},
		{"second heal", appWith(healing, api.OperationSucceeded, 1, 2*time.Second), changesOf(diff.Drift), "one", "heal 2"},
		{"1.4 self-heal pacing: the fourth after 18 s", appWith(healing, api.OperationSucceeded, 3, 8*time.Second), changesOf(diff.Create), "one",
			"no because self-heal attempt 4 waits in 10s"},
		{"1.4 self-heal pacing: at most 5 min", appWith(healing, api.OperationSucceeded, 40, 0), changesOf(diff.Drift), "one",
			"no because self-heal attempt 41 waits in 5m0s"},
		{"2.15 fact 5: a failed revision is not retried at once, but rests", appWith(healing, api.OperationFailed, 0, time.Minute), changesOf(diff.Create), "one",
			"no because the last sync of this revision failed: no room in 2m0s"},
		{"2.15 fact 5: and is tried anew after the refresh interval (DESIGN D9)", appWith(healing, api.OperationFailed, 0, 3*time.Minute), changesOf(diff.Create), "one", "full"},
		{"2.15 fact 5: a newer commit does not rest", appWith(healing, api.OperationFailed, 0, 0), changesOf(diff.Create), "two", "full"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := text(autoSync(tt.app, tt.changes, nil, []string{tt.revision}, at, 3*time.Minute))
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestAutoSyncPrunes(t *testing.T) {
	old := manifest.Key{Kind: "ConfigMap", Namespace: "shop", Name: "old"}
	skipped := func(app *api.Application) *api.Application {
		app.Status.OperationState.SyncResult.Resources = []api.ResourceResult{
			{Kind: old.Kind, Namespace: old.Namespace, Name: old.Name, Status: api.ResultPruneSkipped},
		}
		return app
	}
	healing := api.Automated{SelfHeal: on(true)}
	for _, tt := range []struct {
		name, want string
		app        *api.Application
	}{
		{"before any sync", "full", appWith(api.Automated{}, "", 0, 0)},
		{"held by the last sync, and approved since", "full", skipped(appWith(api.Automated{}, api.OperationSucceeded, 0, 0))},
		{"new since the last sync: drift", "heal 1", appWith(healing, api.OperationSucceeded, 0, 0)},
		{"which is paced", "no because self-heal attempt 2 waits in 2s", appWith(healing, api.OperationSucceeded, 1, 0)},
		{"and left with selfHeal off", "no because the live state has drifted, and selfHeal is off",
			appWith(api.Automated{}, api.OperationSucceeded, 0, 0)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := text(autoSync(tt.app, changesOf(diff.Extra), []manifest.Key{old}, []string{"one"}, at, 3*time.Minute))
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// text prints a decision.
func text(d decision) string {
	switch {
	case d.start && d.heal:
		return fmt.Sprintf("heal %d", d.attempts)
	case d.start:
		return "full"
	case d.because == "":
		return "no"
	case d.wait == 0:
		return "no because " + d.because
	}
	return fmt.Sprintf("no because %s in %s", d.because, d.wait)
}
