package main

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/notify"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// foundIn are the findings of an area, a line each.
func foundIn(a *area) string {
	var lines []string
	for _, f := range a.findings {
		lines = append(lines, f.State+": "+f.Text)
	}
	return strings.Join(lines, "\n")
}

// What Flux applies is told apart from what it does not, names with colons included.
func TestFluxed(t *testing.T) {
	apps := []api.Application{
		parsed[api.Application](t, `{metadata: {name: shop}, spec: {destination: {server: https://kubernetes.default.svc}}, status: {resources: [
			{group: apps, kind: Deployment, namespace: shop, name: web}, {kind: Service, namespace: shop, name: web},
			{group: rbac.authorization.k8s.io, kind: ClusterRole, name: "shop:reader"}, {kind: ConfigMap, namespace: shop, name: old, requiresPruning: true}]}}`),
		parsed[api.Application](t, `{metadata: {name: far}, spec: {destination: {server: https://elsewhere}}, status: {resources: [{kind: ConfigMap, namespace: far, name: a}]}}`),
	}
	for _, tt := range []struct{ name, object, want string }{
		{
			"the same objects", `{status: {inventory: {entries: [{id: shop_web_apps_Deployment, v: v1}, {id: _shop__reader_rbac.authorization.k8s.io_ClusterRole, v: v1}]}}}`,
			"wrong: Kustomization flux/all of Flux applies the same objects as Application shop: apps/Deployment shop/web, rbac.authorization.k8s.io/ClusterRole shop:reader",
		},
		{"a Service, of no group", `{status: {inventory: {entries: [{id: shop_web__Service, v: v1}]}}}`, "wrong: Kustomization flux/all of Flux applies the same objects as Application shop: Service shop/web"},
		{
			"suspended", `{spec: {suspend: true}, status: {inventory: {entries: [{id: shop_web__Service, v: v1}]}}}`,
			"warning: Kustomization flux/all of Flux is suspended, and holds objects of Application shop: Service shop/web",
		},
		{"others", `{status: {inventory: {entries: [{id: shop_api_apps_Deployment, v: v1}]}}}`, ""},
		{"one that goes from the Application", `{status: {inventory: {entries: [{id: shop_old__ConfigMap, v: v1}]}}}`, ""},
		{"one of another cluster", `{status: {inventory: {entries: [{id: far_a__ConfigMap, v: v1}]}}}`, ""},
		{"not what it is", `{status: {inventory: {entries: [{id: x}, {id: a_b}, 3]}}}`, ""},
		{"nothing yet", `{}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := &unstructured.Unstructured{Object: parsed[map[string]any](t, tt.object)}
			o.SetKind("Kustomization")
			o.SetNamespace("flux")
			o.SetName("all")
			var a area
			if found := (&checker{}).fluxed(&a, o, statedBy(apps)); found != (tt.want != "") {
				t.Errorf("found: %v", found)
			}
			if got := foundIn(&a); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// What generators log in with is found however deep they are, and not in templates.
func TestReferences(t *testing.T) {
	set := parsed[api.ApplicationSet](t, `
metadata: {name: all, namespace: argocd}
spec:
  generators:
  - scmProvider: {github: {organization: o, tokenRef: {secretName: gh, key: token}}}
  - matrix:
      generators:
      - pullRequest: {gitlab: {project: "1", tokenRef: {secretName: gl, key: token}, caRef: {configMapName: ca, key: ca.crt}}}
      - plugin: {configMapRef: {name: plugin}, input: {parameters: {tokenRef: none}}}
  - pullRequest: {github: {owner: o, repo: r, appSecretName: app}}
  - scmProvider: {bitbucketServer: {project: p, api: "https://b", basicAuth: {username: u, passwordRef: {secretName: bb, key: password}}}}
  - list: {elements: [{a: b}]}
`)
	var got []string
	for _, r := range referencesOf(&set) {
		got = append(got, r.String())
	}
	slices.Sort(got)
	want := []string{
		"ConfigMap argocd/ca, entry ca.crt", "ConfigMap argocd/plugin", "Secret argocd/app",
		"Secret argocd/bb, entry password", "Secret argocd/gh, entry token", "Secret argocd/gl, entry token",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Subscriptions to what there is not are said once for all that have them.
func TestLookSubscriptions(t *testing.T) {
	config := notify.Compile(notify.Source{ConfigMap: map[string]string{
		"service.webhook.hook": "url: https://hook.example.com", "template.a": "message: a", "trigger.on-a": "- {when: 'true', send: [a]}",
	}})
	if len(config.Mistakes) > 0 {
		t.Fatal(config.Mistakes)
	}
	subscribed := func(name, annotations string) api.Application {
		return parsed[api.Application](t, "{metadata: {name: "+name+", annotations: {"+annotations+"}}}")
	}
	c := &checker{remote: &remote{namespace: "argocd"}}
	_, c.flags = freshOptions()
	c.apps = []api.Application{
		subscribed("good", `notifications.argoproj.io/subscribe.on-a.hook: "x"`),
		subscribed("one", `notifications.argoproj.io/subscribe.on-b.hook: ""`),
		subscribed("two", `notifications.argoproj.io/subscribe.on-b.hook: ""`),
		subscribed("three", `notifications.argoproj.io/subscribe.on-a.slack: general`),
		subscribed("four", `notifications.argoproj.io/subscribe.a.b.c: x`),
		subscribed("five", `on-b.recipients.argocd-notifications.argoproj.io: "hook:x"`),
	}
	c.appProjects = []api.AppProject{parsed[api.AppProject](t, `{metadata: {name: team, annotations: {notifications.argoproj.io/subscribe.on-c.hook: ""}}}`)}
	var a area
	if n := c.lookSubscriptions(&a, config); n != 1 {
		t.Errorf("%d recipients", n)
	}
	want := strings.Join([]string{
		`wrong: Application four: annotation notifications.argoproj.io/subscribe.a.b.c: neither a trigger nor a service has a dot in its name: write notifications.argoproj.io/subscribe.TRIGGER.SERVICE`,
		`wrong: Application one, two, five: there is no trigger "on-b"`,
		`wrong: Application three: trigger on-a: there is no service "slack"`,
		`wrong: AppProject team: there is no trigger "on-c"`,
	}, "\n")
	if diff := cmp.Diff(want, foundIn(&a)); diff != "" {
		t.Error(diff)
	}
}

// An agent that says what is wrong with it is believed; one that cannot be asked is not
// said to be wrong.
func TestLookURLs(t *testing.T) {
	ready, metrics := "[+] git\nok\n", "# HELP x\n# TYPE argocd_app_info gauge\n"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/metrics":
			_, _ = w.Write([]byte(metrics))
		case r.URL.Path == "/readyz" && strings.Contains(ready, "[-]"):
			w.WriteHeader(http.StatusServiceUnavailable)
			fallthrough
		default:
			_, _ = w.Write([]byte(ready))
		}
	}))
	defer server.Close()
	look := func() string {
		var a area
		c := &checker{remote: &remote{}, setupOptions: setupOptions{agentURL: server.URL, metricsURL: server.URL + "/metrics"}}
		c.lookURLs(t.Context(), &a)
		return strings.ReplaceAll(foundIn(&a), server.URL, "URL")
	}
	want := "ok: URL: /healthz says that all is well\nok: URL: /readyz says that all is well\nok: URL/metrics: its metrics are told"
	if diff := cmp.Diff(want, look()); diff != "" {
		t.Error(diff)
	}
	ready, metrics = "[+] git\n[-] keys: they were not read: see its rights\n", "# none\n"
	want = "wrong: URL: /healthz: keys: they were not read: see its rights\nwrong: URL: /readyz: keys: they were not read: see its rights\n" +
		"wrong: URL/metrics: there is no argocd_app_info among its metrics"
	if diff := cmp.Diff(want, look()); diff != "" {
		t.Error(diff)
	}
	server.Close()
	if got := look(); strings.Count(got, "unknown: ") != 3 || strings.Contains(got, "wrong") {
		t.Error(got)
	}
}
