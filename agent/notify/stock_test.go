package notify

import (
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	first  = "1111111111111111111111111111111111111111"
	second = "2222222222222222222222222222222222222222"
)

// history is of a sync at the first commit.
const history = `
  history: [{id: 0, revision: "` + first + `", deployedAt: "2026-11-24T10:00:00Z"}]`

// an operation at a commit.
func operation(_, phase, more string) string {
	return `
  reconciledAt: "2026-11-24T11:00:09Z"
  operationState:
    phase: ` + phase + `
    startedAt: "2026-11-24T11:00:00Z"
    finishedAt: "2026-11-24T11:00:05Z"
    ` + strings.ReplaceAll(more, "\n", "\n    ")
}

const automatedAt = "operation: {sync: {}, initiatedBy: {automated: true}}\n"

// TestStock: which of our triggers hold, and what is told then.
func TestStock(t *testing.T) {
	c := Compile(Source{ConfigMap: map[string]string{"context": "argocdUrl: https://tidelock.example"}})
	if len(c.Mistakes) > 0 {
		t.Fatal(c.Mistakes)
	}
	synced := `syncResult: {revision: "` + second + `", source: {repoURL: https://git.example/team/shop.git, path: web}, resources: [`
	for _, tt := range []struct {
		name, app string
		found     Found
		opened    *Opened
		trigger   string // with its condition
		want      string
	}{
		{"nothing has happened", `{}`, Found{}, nil, "", ""},
		{
			name: "synced", trigger: "on-synced[0]",
			app: "status:" + history + operation(second, "Succeeded", automatedAt+synced+`{group: apps, kind: Deployment, namespace: shop, name: web, version: v1, status: Synced, message: Deployment configured}, {kind: ConfigMap, namespace: shop, name: old, group: "", version: v1, status: Pruned, message: pruned}]}`),
			want: `
Application shop was synced from 1111111 to 2222222.
Commit: raise the limit of 222 (Jane)
Why: commit 2222222 followed 1111111
By: the agent, as spec.syncPolicy.automated says
- apps/Deployment shop/web: Deployment configured
- ConfigMap shop/old: pruned
https://tidelock.example/applications/argocd/shop`,
		},
		{
			name: "asked for", trigger: "on-synced[0]",
			app: "status:" + operation(second, "Succeeded", "operation: {sync: {}, initiatedBy: {username: 'jane <!channel>'}}\n"+synced+`]}`),
			want: `
Application shop was synced to 2222222.
Commit: raise the limit of 222 (Jane)
Why: it was asked for
By: jane ‹!channel›
https://tidelock.example/applications/argocd/shop`,
		},
		{
			name: "failed", trigger: "on-sync-failed[0]",
			app: "status:" + history + operation(second, "Failed", "message: it went wrong\n"+automatedAt+synced+`{kind: Service, namespace: shop, name: web, group: "", version: v1, status: SyncFailed, hookPhase: Failed, message: "Service web is invalid: see [this](https://evil.example)"}]}`),
			want: `
The sync of Application shop from 1111111 to 2222222 failed.
- Service shop/web: Service web is invalid: see [this] (https://evil.example)
Commit: raise the limit of 222 (Jane)
Why it was tried: commit 2222222 followed 1111111
By: the agent, as spec.syncPolicy.automated says
https://tidelock.example/applications/argocd/shop?operation=true`,
		},
		{
			name: "failed before it began", trigger: "on-sync-failed[0]",
			app: "status:" + operation("", "Error", "message: 'git: no such revision'\n"+automatedAt),
			want: `
The sync of Application shop failed.
- git: no such revision
Why it was tried: it was there for the first time
By: the agent, as spec.syncPolicy.automated says
https://tidelock.example/applications/argocd/shop?operation=true`,
		},
		{
			name: "degraded", trigger: "on-degraded[0]",
			app: `
status:
  health: {status: Degraded, lastTransitionTime: "2026-11-24T11:30:00Z"}
  resources:
  - {group: apps, kind: Deployment, namespace: shop, name: web, health: {status: Degraded, message: "exceeded its progress deadline"}}
  - {group: apps, kind: Deployment, namespace: shop, name: api, health: {status: Healthy}}`,
			want: `
Application shop is Degraded.
- apps/Deployment shop/web: exceeded its progress deadline
https://tidelock.example/applications/argocd/shop`,
		},
		{
			name: "drifted", trigger: "on-drift[0]",
			found: Found{At: now, Drifts: []Drift{{Object: "apps/Deployment shop/web", Fields: []string{"spec.replicas by kubectl (Update of scale, 2026-11-24T11:40:00Z)"}}}},
			app: "spec: {syncPolicy: {automated: {}}}\nstatus:\n  sync: {status: OutOfSync, revision: '" + second + "'}\n  resources: [{group: apps, kind: Deployment, namespace: shop, name: web, status: OutOfSync}, {kind: Service, namespace: shop, name: old, status: OutOfSync, requiresPruning: true}]" +
				operation(second, "Succeeded", "operation: {sync: {resources: [{kind: x, name: y}]}}\n"+synced+`]}`),
			want: "", // a sync of parts says nothing of the rest
		},
		{
			name: "drifted since a whole sync", trigger: "on-drift[0]",
			found: Found{At: now, Drifts: []Drift{{Object: "apps/Deployment shop/web", Fields: []string{"spec.replicas by kubectl (Update of scale, 2026-11-24T11:40:00Z)"}}}},
			app: "spec: {syncPolicy: {automated: {}}}\nstatus:\n  sync: {status: OutOfSync, revision: '" + second + "'}\n  resources: [{group: apps, kind: Deployment, namespace: shop, name: web, status: OutOfSync}, {kind: Service, namespace: shop, name: old, status: OutOfSync, requiresPruning: true}]" +
				operation(second, "Succeeded", automatedAt+synced+`]}`),
			want: `
Live objects of Application shop are not as Git says, and are left so.
- apps/Deployment shop/web: spec.replicas by kubectl (Update of scale, 2026-11-24T11:40:00Z)
Synced last: 2222222, raise the limit of 222 (Jane)
https://tidelock.example/applications/argocd/shop`,
		},
		{
			name: "a commit is no drift", trigger: "on-drift[0]",
			app: "status:\n  sync: {status: OutOfSync, revision: '" + first + "'}\n  resources: [{kind: ConfigMap, name: x, status: OutOfSync}]" +
				operation(second, "Succeeded", automatedAt+synced+`]}`),
			want: "",
		},
		{
			name: "what heals is not left", trigger: "on-drift[0]",
			app: "spec: {syncPolicy: {automated: {selfHeal: true}}}\nstatus:\n  sync: {status: OutOfSync, revision: '" + second + "'}\n  resources: [{kind: ConfigMap, name: x, status: OutOfSync}]" +
				operation(second, "Succeeded", automatedAt+synced+`]}`),
			want: "",
		},
		{
			name: "healed", trigger: "on-drift[1]",
			found: Found{At: now.Add(-time.Hour), Drifts: []Drift{{Object: "ConfigMap shop/settings", Fields: []string{"somebody has deleted it"}}}},
			app:   "status:" + operation(second, "Succeeded", "operation: {sync: {autoHealAttemptsCount: 1, resources: [{kind: ConfigMap, name: settings}]}, initiatedBy: {automated: true}}\n"+synced+`{group: "", version: v1, kind: ConfigMap, namespace: shop, name: settings, status: Synced, message: ConfigMap created}]}`),
			want: `
Live objects of Application shop that were changed by others than Git were put right.
- ConfigMap shop/settings: somebody has deleted it
By: the agent, as spec.syncPolicy.automated says
https://tidelock.example/applications/argocd/shop`,
		},
		{
			name: "held", trigger: "on-held[0]",
			app: "status:\n  conditions: [{type: SyncError, message: 'deletions are held: it would delete 11 of 12 objects; approve with annotation tidelock.io/approve: abc123'}]" + operation(second, "Succeeded", automatedAt+synced+`]}`),
			want: `
Application shop waits for consent.
deletions are held: it would delete 11 of 12 objects; approve with annotation tidelock.io/approve: abc123
Commit: raise the limit of 222 (Jane)
https://tidelock.example/applications/argocd/shop`,
		},
		{
			name: "a sync is held", trigger: "on-held[0]",
			app:  "status:" + operation(second, "Running", "message: 'sync is held: AppProject team demands approval'\n"+automatedAt),
			want: "\nApplication shop waits for consent.\nsync is held: AppProject team demands approval\nhttps://tidelock.example/applications/argocd/shop",
		},
		{
			name: "a window has opened", trigger: "on-window-opened[0]", opened: &Opened{Since: now, Waited: `sync is denied until 2026-11-24T13:00:00Z: deny "0 12 * * *" 1h UTC is open`},
			app: "status:" + operation(second, "Running", automatedAt+synced+`]}`),
			want: `
The sync window that Application shop waited for has opened.
It waited since 2026-11-24T12:00:00Z: sync is denied until 2026-11-24T13:00:00Z: deny "0 12 * * *" 1h UTC is open
Commit: 2222222, raise the limit of 222 (Jane)
https://tidelock.example/applications/argocd/shop`,
		},
		{
			name: "a secret was rotated", trigger: "on-secret-rotated[0]",
			found: Found{At: now.Add(-time.Hour), Restarts: []string{"apps/Deployment shop/web restarts because Secret db changed"}},
			app:   "status:" + operation(second, "Succeeded", automatedAt+synced+`{group: "", version: v1, kind: Secret, namespace: shop, name: db, status: Synced, message: Secret configured}, {group: "", version: v1, kind: Secret, namespace: shop, name: new, status: Synced, message: Secret created}]}`),
			want: `
Secrets of Application shop changed.
- Secret shop/db changed
- apps/Deployment shop/web restarts because Secret db changed
Why: it was there for the first time
By: the agent, as spec.syncPolicy.automated says
Commit: raise the limit of 222 (Jane)
https://tidelock.example/applications/argocd/shop`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all := vars(t, c, Moment{App: application(t, tt.app), Found: tt.found, Opened: tt.opened})
			holds := held(c, all)
			if slices.Contains(holds, tt.trigger) != (tt.want != "") {
				t.Fatalf("%v hold, and %q was asked for", holds, tt.trigger)
			}
			if tt.want == "" {
				return
			}
			name, index, _ := strings.Cut(tt.trigger, "[")
			results, _ := c.triggers[name].Run(all)
			r := results[index[0]-'0']
			n, err := c.Render(t.Context(), all, destination{Service: "hook"}, r.Templates)
			if err != nil {
				t.Fatal(err)
			}
			check(t, n.Message, tt.want)
			if n.Email == nil || n.Email.Subject == "" || n.Teams == nil || n.Teams.Title == "" {
				t.Errorf("it has no subject, or no title: %+v", n)
			}
			chat, err := c.Render(t.Context(), all, destination{Service: "slack"}, r.Templates)
			if err != nil || !strings.HasPrefix(chat.Message, ":") {
				t.Errorf("Slack: %v, %+v", err, chat)
			}
		})
	}
}

// TestStockIsReplaced: who defines a trigger or a template of the name has their own.
func TestStockIsReplaced(t *testing.T) {
	c := Compile(Source{ConfigMap: map[string]string{
		"trigger.on-synced": "[{when: 'true', send: [mine]}]", "template.mine": "message: mine", "template.tidelock-held": "message: ours",
	}})
	if len(c.Mistakes) > 0 {
		t.Fatal(c.Mistakes)
	}
	if all := c.Triggers(); all["on-synced"] || !all["on-held"] {
		t.Errorf("which are stock: %v", all)
	}
	if all := c.Templates(); all["mine"] || all["tidelock-held"] || !all["tidelock-synced"] {
		t.Errorf("which are stock: %v", all)
	}
	n, err := c.Render(t.Context(), vars(t, c, Moment{App: application(t, "{}")}), destination{}, []string{"tidelock-held"})
	if err != nil || n.Message != "ours" {
		t.Error(n, err)
	}
}

// TestPlain: what others have written is no markup, and has an end.
func TestPlain(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"fix <!channel> <https://evil.example|here>\x1b[31m", "fix ‹!channel› ‹https://evil.example|here› [31m"},
		{"[click](https://evil.example) @here", "[click] (https://evil.example) @\u2060here"},
		{"a\nb\u202ec", "a b c"},
		{strings.Repeat("ü", 400), strings.Repeat("ü", maxText) + "…"},
	} {
		check(t, plain(tt.in), tt.want)
	}
	if got := listed(slices.Repeat([]string{"x"}, maxLines+3)); !strings.HasSuffix(got, "\n… and 3 more") {
		t.Error(got)
	}
}
