package main

import (
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/window"
	"sigs.k8s.io/yaml"
)

// Each row is an Application, and what its status alone tells at 10:00.
func TestWhy(t *testing.T) {
	now := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)
	const spec = "metadata: {name: shop, namespace: argocd}\nspec:\n  source: {repoURL: https://git.example/shop.git, path: web}\n"
	const automated = spec + "  syncPolicy: {automated: {}}\n"
	const source = "source: {repoURL: https://git.example/shop.git, path: web}"
	for _, tt := range []struct{ name, app, want string }{
		{"new", spec, `argocd/shop is -, -
The agent
  no agent has looked at it yet
    hint: is one running that looks after namespace argocd?`},
		{"well", spec + "status: {sync: {status: Synced, revision: abc}, health: {status: Healthy}, reconciledAt: 2026-11-25T09:00:00Z}", `argocd/shop is Synced with abc, Healthy
there is nothing to tell`},
		{"left alone", "metadata: {name: shop, namespace: argocd, annotations: {argocd.argoproj.io/skip-reconcile: 'true'}}\nstatus: {sync: {status: Synced}, health: {status: Healthy}}", `argocd/shop is Synced, Healthy
The agent
  the agent leaves it alone, for it has the annotation argocd.argoproj.io/skip-reconcile
    hint: kubectl annotate application -n argocd shop argocd.argoproj.io/skip-reconcile-`},
		{"being deleted", "metadata: {name: shop, namespace: argocd, deletionTimestamp: 2026-11-25T09:50:00Z, finalizers: [a]}\nstatus: {sync: {status: Synced}, health: {status: Healthy}, resources: [{kind: ConfigMap, name: a, status: Synced}]}", `argocd/shop is Synced, Healthy
Deletion
  it is being deleted, and waits for a (since 2026-11-25T09:50:00Z, 10m ago)
  ConfigMap a: was there when the agent looked last`},
		{"drift and no heal", automated + "status: {sync: {status: OutOfSync, revision: abc}, health: {status: Healthy}, resources: [{kind: ConfigMap, name: a, status: OutOfSync}], operationState: {phase: Succeeded, operation: {sync: {}}, syncResult: {revision: abc, " + source + "}, startedAt: 2026-11-25T09:00:00Z}}", `argocd/shop is OutOfSync with abc, Healthy; its last operation is Succeeded
Out of sync
  ConfigMap a: differs from Git
Why nothing is done about it
  the live state has drifted, and selfHeal is off
    hint: tidelock sync shop
What blocks it
  sync window deny "0 9 * * *" 2h UTC is open (until 2026-11-25T11:00:00Z, in 1h)`},
		{"only a prune", automated + "status: {sync: {status: OutOfSync}, health: {status: Healthy}, resources: [{kind: ConfigMap, name: a, status: OutOfSync, requiresPruning: true}]}", `argocd/shop is OutOfSync, Healthy
Out of sync
  ConfigMap a: no longer in Git
Why nothing is done about it
  what is no longer in Git stays: spec.syncPolicy.automated.prune is off
    hint: tidelock sync shop --prune
What blocks it
  sync window deny "0 9 * * *" 2h UTC is open (until 2026-11-25T11:00:00Z, in 1h)`},
		{"a failed revision rests", automated + "status: {sync: {status: OutOfSync, revision: abc}, health: {status: Missing}, resources: [{kind: ConfigMap, name: a, status: OutOfSync, health: {status: Missing}}], operationState: {phase: Failed, message: boom, operation: {sync: {}, initiatedBy: {automated: true}}, finishedAt: 2026-11-25T09:59:00Z, syncResult: {revision: abc, " + source + ", resources: [{kind: ConfigMap, name: a, status: SyncFailed, message: \"bad\\u001b[2J\"}]}, startedAt: 2026-11-25T09:58:00Z}, conditions: [{type: SyncError, message: boom}, {type: OtherWarning, message: odd, lastTransitionTime: 2026-11-25T08:00:00Z}]}", `argocd/shop is OutOfSync with abc, Missing; its last operation is Failed
Out of sync
  ConfigMap a: not there
Why nothing is done about it
  the last sync of this revision failed: boom (until 2026-11-25T10:02:00Z, in 2m)
What blocks it
  sync window deny "0 9 * * *" 2h UTC is open (until 2026-11-25T11:00:00Z, in 1h)
Operation
  the last sync by the agent itself has failed: boom (since 2026-11-25T09:59:00Z, 1m ago)
  ConfigMap a: has failed: bad [2J
Conditions
  OtherWarning: odd (since 2026-11-25T08:00:00Z, 2h ago)`},
		{"asked for", spec + "operation: {sync: {}, initiatedBy: {username: jane}}\nstatus: {sync: {status: Synced}, health: {status: Degraded, lastTransitionTime: 2026-11-25T09:59:30Z}, resources: [{group: apps, kind: Deployment, namespace: shop, name: web, status: Synced, health: {status: Degraded, message: no Pods}}]}", `argocd/shop is Synced, Degraded
What blocks it
  sync window deny "0 9 * * *" 2h UTC is open (until 2026-11-25T11:00:00Z, in 1h)
Operation
  a sync is asked for by jane, and the agent has not begun it
Health
  apps/Deployment shop/web: is Degraded: no Pods (since 2026-11-25T09:59:30Z, 30s ago)`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			app := &api.Application{}
			if err := yaml.UnmarshalStrict([]byte(tt.app), app); err != nil {
				t.Fatal(err)
			}
			schedule, err := window.Compile([]api.SyncWindow{{Kind: api.WindowDeny, Schedule: "0 9 * * *", Duration: "2h", Applications: []string{"*"}}})
			if err != nil {
				t.Fatal(err)
			}
			w := &whys{app: app, now: now, rest: defaultRefresh, windows: schedule.For(window.TargetOf(app))}
			var out strings.Builder
			printWhy(newScreen(&out), w.report(), now)
			got := strings.TrimSpace(strings.ReplaceAll(out.String(), "\n\n", "\n"))
			if got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestSentence(t *testing.T) {
	for in, want := range map[string]string{
		`{path: spec.replicas, live: "5", desired: "2", owner: {manager: hpa, subresource: scale, time: 2026-11-25T09:55:00Z}}`: `spec.replicas is 5, and 2 in Git: set by hpa of scale, 5m ago (2026-11-25T09:55:00Z)`,
		`{path: a, desired: "2"}`: `a is not there, and 2 in Git`,
		`{path: a, live: "2"}`:    `a is 2, and not in Git`,
		`{path: a, live: "2", extra: true, owner: {manager: "x\u001b[2J"}}`: `a = 2 is not Git's, and stays: set by "x\x1b[2J"`,
		`{more: 7}`: `and 7 more fields`,
	} {
		var f diff.Field
		if err := yaml.Unmarshal([]byte(in), &f); err != nil {
			t.Fatal(err)
		}
		if got := sentence(f, time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", in, got, want)
		}
	}
}
