package metrics

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Dashboards made for Argo CD read these names and labels.
func TestScrape(t *testing.T) {
	app := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "shop"}}
	app.Spec.Source = &api.Source{RepoURL: "https://jane:hunter2@git.example/shop.git"}
	app.Spec.Destination = api.Destination{Name: "in-cluster", Namespace: "shop"}
	app.Spec.SyncPolicy = &api.SyncPolicy{Automated: &api.Automated{}}
	app.Status.Sync.Status = api.SyncCodeSynced
	m := New(Sources{
		Applications: func() []*api.Application { return []*api.Application{app} },
		Orphans:      func(*api.Application) (int, bool) { return 4, true },
		Gauges:       []Number{{Name: "tidelock_live_objects", Help: "h", Value: func() float64 { return 7 }}},
		Counters:     []Number{{Name: "tidelock_renders_total", Help: "h", Value: func() float64 { return 3 }}},
	})
	m.Synced(app, &api.OperationState{Phase: api.OperationSucceeded, Operation: api.Operation{Sync: &api.SyncOperation{}}})
	m.SecretUsed("argocd", "shop", "sops", true)
	m.SecretUsed("argocd", "shop", "external-secret", false)
	m.SecretUsed("argocd", "gone", "sops", true)
	m.Forget("argocd", "gone")
	m.Passed("argocd", "https://kubernetes.default.svc", time.Millisecond)

	answer := httptest.NewRecorder()
	m.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	text := answer.Body.String()
	for _, want := range []string{
		`argocd_app_info{autosync_enabled="true",dest_namespace="shop",dest_server="https://kubernetes.default.svc",health_status="Unknown",name="shop",namespace="argocd",operation="",project="default",repo="https://git.example/shop.git",sync_status="Synced"} 1`,
		`argocd_app_sync_total{dest_server="https://kubernetes.default.svc",dry_run="false",name="shop",namespace="argocd",phase="Succeeded",project="default"} 1`,
		`argocd_app_reconcile_count{dest_server="https://kubernetes.default.svc",namespace="argocd"} 1`,
		`argocd_app_orphaned_resources_count{name="shop",namespace="argocd",project="default"} 4`,
		`tidelock_secret_uses_total{kind="sops",name="shop",namespace="argocd",outcome="success"} 1`,
		`tidelock_secret_uses_total{kind="external-secret",name="shop",namespace="argocd",outcome="failure"} 1`,
		"tidelock_live_objects 7", "tidelock_renders_total 3", "go_goroutines ", "process_open_fds ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the scrape lacks %s", want)
		}
	}
	if strings.Contains(text, `name="gone"`) {
		t.Error("the scrape holds an Application that is gone")
	}
	if strings.Contains(text, "hunter2") {
		t.Error("the scrape holds a password")
	}
}
