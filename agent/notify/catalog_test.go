package notify

import (
	"slices"
	"strings"
	"testing"
)

// catalog is testdata/catalog.yaml, with the addresses of receivers.
func catalog(t testing.TB, web, mailPort string) *Config {
	t.Helper()
	data := configMap(t, "testdata/catalog.yaml")
	for key, value := range data {
		data[key] = strings.NewReplacer("${WEB}", web, "${MAIL_PORT}", mailPort).Replace(value)
	}
	c := Compile(Source{ConfigMap: data, Secret: secret(
		"slack-token", "xoxb-canary-1", "email-password", "mail-canary-2", "teams-path", "teams-canary-3", "github-token", "ghp-canary-4", "plain-token", "plain-canary-5",
	)})
	if len(c.Mistakes) > 0 {
		t.Fatal(c.Mistakes)
	}
	return c
}

const deployed = `
spec: {project: default}
status:
  sync: {status: Synced, revision: "` + second + `"}
  health: {status: Healthy, lastTransitionTime: "2026-11-24T11:00:06Z"}
  conditions: [{type: SharedResourceWarning, message: beware}]
  reconciledAt: "2026-11-24T11:00:09Z"
  operationState:
    phase: Succeeded
    startedAt: "2026-11-24T11:00:00Z"
    finishedAt: "2026-11-24T11:00:05Z"
    operation: {sync: {revision: "` + second + `"}, info: [{name: ticket, value: OPS-7}]}
    syncResult: {revision: "` + second + `"}
`

// TestCatalog: Argo CD's triggers hold when they do there.
func TestCatalog(t *testing.T) {
	c := catalog(t, "http://127.0.0.1:1", "25")
	replace := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(deployed) }
	for _, tt := range []struct{ name, app, want string }{
		{"deployed", deployed, "on-created on-deployed on-sync-succeeded"},
		{"healthy since before the sync", replace("11:00:06Z", "10:00:06Z"), "on-created on-sync-succeeded"},
		{"degraded", replace("Healthy", "Degraded"), "on-created on-health-degraded on-sync-succeeded"},
		{"failed", replace("phase: Succeeded", "phase: Failed"), "on-created on-sync-failed"},
		{"an error", replace("phase: Succeeded", "phase: Error"), "on-created on-sync-failed"},
		{"running for long", replace("phase: Succeeded", "phase: Running"), "on-created on-sync-running sync-takes-long"},
		{"unknown", replace("status: Synced", "status: Unknown"), "on-created on-deployed on-sync-status-unknown on-sync-succeeded"},
		{"new", "{}", "on-created"},
		{"to be deleted", "metadata: {name: shop, deletionTimestamp: '2026-11-24T11:00:00Z'}", "on-created on-deleted"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all := vars(t, c, Moment{App: application(t, tt.app)})
			var got []string
			for name, trigger := range c.triggers {
				if c.stock["trigger."+name] {
					continue
				}
				if results, _ := trigger.Run(all); results[0].Triggered {
					got = append(got, name)
				}
			}
			slices.Sort(got)
			check(t, strings.Join(got, " "), tt.want)
		})
	}
}

// TestOncePer: what Argo CD's catalog is told once per is the commit.
func TestOncePer(t *testing.T) {
	c := catalog(t, "http://127.0.0.1:1", "25")
	results, why := c.triggers["on-deployed"].Run(vars(t, c, Moment{App: application(t, deployed)}))
	if why[0] != nil || results[0].OncePer != second {
		t.Error(results, why)
	}
}

// TestFunctions: those that Argo CD documents.
func TestFunctions(t *testing.T) {
	c := Compile(Source{ConfigMap: map[string]string{"context": "a: b"}, Secret: secret("k", "v")})
	all := vars(t, c, Moment{App: application(t, deployed)})
	for _, tt := range []struct{ expression, want string }{
		{`repo.RepoURLToHTTPS('git@github.com:owner/name.git')`, "https://github.com/owner/name.git"},
		{`repo.RepoURLToHTTPS('ssh://git@github.com:22/owner/name')`, "https://github.com:22/owner/name"},
		{`repo.RepoURLToHTTPS('https://jane:pw@github.com/owner/name')`, "https://github.com/owner/name"},
		{`repo.FullNameByRepoURL('git@github.com:owner/name.git')`, "owner/name"},
		{`repo.FullNameByRepoURL('https://gitlab.com/group/sub/name.git')`, "group/sub"},
		{`repo.QueryEscape('a b&c')`, "a+b%26c"},
		{`repo.GetCommitMetadata(app.status.sync.revision).Author`, "Jane <jane@example.com>"},
		{`repo.GetCommitMetadata(app.status.sync.revision).Tags[0]`, "v1"},
		{`strings.ReplaceAll('a.b', '.', '-') + strings.ToUpper('x') + strings.ToLower('Y')`, "a-bXy"},
		{`sync.GetInfoItem(app, 'ticket')`, "OPS-7"},
		{`time.Parse('2026-11-24T11:00:00Z').Format(time.Kitchen)`, "11:00AM"},
		{`time.Now().After(time.Parse('2026-01-01T00:00:00Z')) ? 'yes' : 'no'`, "yes"},
		{`context.a`, "b"},
		{`string(secrets.k)`, "[118]"},
		{`app.kind + app.apiVersion`, "Applicationargoproj.io/v1alpha1"},
		{`sync.GetInfoItem(app, 'nothing')`, `error: the operation has no info "nothing"`},
		{`repo.GetAppDetails()`, `error: the Application was not rendered yet`},
		{`time.Parse('x')`, `error: parsing time "x"`},
	} {
		trigger, err := compileTrigger([]condition{{When: "true", OncePer: tt.expression}})
		if err != nil {
			t.Errorf("%s: %v", tt.expression, err)
			continue
		}
		results, why := trigger.Run(all)
		got := results[0].OncePer
		if why[0] != nil {
			got = "error: " + strings.TrimPrefix(why[0].Error(), "oncePer: ")
		}
		if got != tt.want && (!strings.HasPrefix(tt.want, "error") || !strings.HasPrefix(got, tt.want)) {
			t.Errorf("%s: got %s, want %s", tt.expression, got, tt.want)
		}
	}
}

// TestConditionsThatCannotTell: they do not hold, and say why.
func TestConditionsThatCannotTell(t *testing.T) {
	for _, tt := range []struct{ when, want string }{
		{"app.status.operationState.phase == 'x'", "cannot fetch operationState from <nil>"},
		{"'yes'", "'yes' is a string, and no boolean"},
		{"time.Parse('x') == nil", `parsing time "x"`},
		{"len(map(1..100000, {map(1..100000, {#})})) > 0", "memory budget exceeded"},
	} {
		c := Compile(Source{})
		trigger, err := compileTrigger([]condition{{When: tt.when}})
		if err != nil {
			t.Fatal(err)
		}
		results, why := trigger.Run(vars(t, c, Moment{App: application(t, "{}")}))
		if results[0].Triggered || why[0] == nil || !strings.Contains(why[0].Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", tt.when, why[0], tt.want)
		}
	}
}
