package reconcile

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/health"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// An object as status.resources has it.
func TestResourceStatus(t *testing.T) {
	for _, tt := range []struct{ name, change, want string }{
		{"1.7 resources: in sync", "same apps/Deployment shop/web",
			`{"group":"apps","version":"v1","kind":"Deployment","namespace":"shop","name":"web","status":"Synced","health":{"status":"Healthy"}}`},
		{"1.7 resources: out of sync, with health inline", "drift apps/Deployment shop/web Progressing",
			`{"group":"apps","version":"v1","kind":"Deployment","namespace":"shop","name":"web","status":"OutOfSync","health":{"status":"Progressing","message":"as it is"}}`},
		{"1.7 resources: missing", "create ConfigMap shop/a",
			`{"version":"v1","kind":"ConfigMap","namespace":"shop","name":"a","status":"OutOfSync","health":{"status":"Missing"}}`},
		{"1.7 resources.requiresPruning: live, and not in Git", "extra ConfigMap shop/a",
			`{"version":"v1","kind":"ConfigMap","namespace":"shop","name":"a","status":"OutOfSync","health":{"status":"Healthy"},"requiresPruning":true}`},
		{"1.7 resources.requiresDeletionConfirmation: Prune=confirm", "extra ConfigMap shop/a options=Prune=confirm",
			`{"version":"v1","kind":"ConfigMap","namespace":"shop","name":"a","status":"OutOfSync","health":{"status":"Healthy"},"requiresPruning":true,"requiresDeletionConfirmation":true}`},
		{"1.7 resources.requiresDeletionConfirmation: Delete=confirm", "same ConfigMap shop/a options=Delete=confirm",
			`{"version":"v1","kind":"ConfigMap","namespace":"shop","name":"a","status":"Synced","health":{"status":"Healthy"},"requiresDeletionConfirmation":true}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, _ := resourceStatus(changeIn(t, tt.change), nil)
			got, err := json.Marshal(r)
			if err != nil || string(got) != tt.want {
				t.Errorf("%v, got\n%s\nwant\n%s", err, got, tt.want)
			}
		})
	}
}

// The wave in status is that of Git, or of what is live if Git states it no more.
func TestResourceWave(t *testing.T) {
	c := changeIn(t, "drift ConfigMap shop/a")
	c.Live.Wave, c.Desired = 3, objectIn(t, "ConfigMap shop/a", `metadata: {annotations: {argocd.argoproj.io/sync-wave: "-2"}}`)
	if r, _ := resourceStatus(c, nil); r.SyncWave != -2 {
		t.Errorf("1.7 resources.syncWave: got %d", r.SyncWave)
	}
	c.Desired, c.Verdict = nil, diff.Extra
	if r, _ := resourceStatus(c, nil); r.SyncWave != 3 {
		t.Errorf("of what is live only: got %d", r.SyncWave)
	}
}

func TestHookStatus(t *testing.T) {
	r := hookStatus(&diff.Live{Key: keyIn("batch/Job shop/migrate"), Version: "v1", Wave: 1, Health: health.Health{Code: api.HealthDegraded, Message: "exit 1"}})
	got, err := json.Marshal(r)
	want := `{"group":"batch","version":"v1","kind":"Job","namespace":"shop","name":"migrate","health":{"status":"Degraded","message":"exit 1"},"hook":true,"syncWave":1}`
	if err != nil || string(got) != want {
		t.Errorf("2.2 hooks are shown: %v, got\n%s\nwant\n%s", err, got, want)
	}
}

// Whose health is part of the Application's.
func TestMonitored(t *testing.T) {
	for _, tt := range []struct {
		name, change string
		unmonitored  bool
		want         bool
	}{
		{"an object", "same apps/Deployment shop/web Degraded", false, true},
		{"2.6 ignore-healthcheck: does not count", "same apps/Deployment shop/web Degraded", true, false},
		{"2.6 the app itself: does not count", "same argoproj.io/Application argocd/shop Progressing", false, false},
		{"2.15 fact 19: a child Application counts (DESIGN 4)", "same argoproj.io/Application argocd/child Degraded", false, true},
		{"2.6 child Applications: Unknown does not count", "same argoproj.io/Application argocd/child Unknown", false, false},
		{"2.6 child Applications: Missing does not count", "same argoproj.io/Application argocd/child Missing", false, false},
		{"an object of another group is no Application", "same example.com/Application argocd/child Missing", false, true},
		{"1.5 IgnoreExtraneous: health still counts", "extra apps/Deployment shop/web Degraded", false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			app := read[api.Application](t, "{metadata: {name: shop, namespace: argocd}, spec: {destination: {}, project: a}}")
			c := changeIn(t, tt.change)
			c.Live.Unmonitored = tt.unmonitored
			if got := passOver(app).monitored(c, c.Live.Health); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestComparedTo(t *testing.T) {
	for _, tt := range []struct{ name, spec, want string }{
		{"1.7 sync.comparedTo: source, destination, ignoreDifferences", "source: {repoURL: r, path: p}, destination: {name: in-cluster, namespace: shop}, ignoreDifferences: [{kind: A, jsonPointers: [/a]}]",
			`{"source":{"repoURL":"r","path":"p"},"destination":{"namespace":"shop","name":"in-cluster"},"ignoreDifferences":[{"kind":"A","jsonPointers":["/a"]}]}`},
		{"1.7 sync.comparedTo: sources", "sources: [{repoURL: r, path: p}], destination: {}", `{"destination":{},"sources":[{"repoURL":"r","path":"p"}]}`},
	} {
		app := read[api.Application](t, "{metadata: {}, spec: {project: a, "+tt.spec+"}}")
		if got, err := json.Marshal(app.Spec.ComparedTo()); err != nil || string(got) != tt.want {
			t.Errorf("%s: %v, got\n%s\nwant\n%s", tt.name, err, got, tt.want)
		}
	}
}

// Images and links of what Git states.
func TestSummarise(t *testing.T) {
	for _, tt := range []struct{ name, kind, rest, want string }{
		{"1.7 summary.images: of a Deployment", "apps/Deployment shop/web", `spec: {template: {spec: {containers: [{image: "b:1"}, {image: "a:1"}, {image: "b:1"}], initContainers: [{image: "i:1"}]}}}`, "a:1 b:1 i:1 | "},
		{"of a CronJob", "batch/CronJob shop/web", `spec: {jobTemplate: {spec: {template: {spec: {containers: [{image: "c:1"}]}}}}}`, "c:1 | "},
		{"of a Pod", "Pod shop/web", `spec: {containers: [{image: "p:1"}]}`, "p:1 | "},
		{"of a kind that runs none", "example.com/Thing shop/web", `spec: {containers: [{image: "p:1"}]}`, " | "},
		{"1.7 summary.externalURLs: hosts of an Ingress", "networking.k8s.io/Ingress shop/web", `spec: {rules: [{host: b.example}, {host: a.example}, {}]}`, " | http://a.example http://b.example"},
		{"with TLS", "networking.k8s.io/Ingress shop/web", `spec: {tls: [{}], rules: [{host: a.example}]}`, " | https://a.example"},
		{"1.7 summary.externalURLs: link annotations", "ConfigMap shop/a", `metadata: {annotations: {link.argocd.argoproj.io/docs: "https://docs.example", other: x}}`, " | https://docs.example"},
		{"1.7 summary.isAppOfApps: it states an Application", "argoproj.io/Application argocd/child", "{}", " | of apps"},
		{"nonsense", "apps/Deployment shop/web", `spec: {template: [{containers: 3}], containers: [3, {image: 4}]}`, " | "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := summarise(manifest.Set{objectIn(t, tt.kind, tt.rest)})
			got := strings.Join(s.Images, " ") + " | " + strings.Join(s.ExternalURLs, " ")
			if s.IsAppOfApps {
				got += "of apps"
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if got := imagesOf(objectIn(t, "batch/Job shop/a", `spec: {template: {spec: {containers: [{image: "j:1"}]}}}`)); len(got) != 1 || got[0] != "j:1" {
		t.Errorf("1.7 syncResult.resources.images: got %v", got)
	}
}
