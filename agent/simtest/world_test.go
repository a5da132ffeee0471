package simtest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/simtest/kube"
)

func yes() *bool { b := true; return &b }

// The engine syncs, in a bubble, in no time.
func TestOneSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t.Context(), 1, kube.Options{}, time.Second)
		w.commit("shop", `{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {a: "1"}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web:1}]}
`, 0)
		w.application("shop", func(app *api.Application) {
			app.Spec.SyncPolicy = &api.SyncPolicy{Automated: &api.Automated{Prune: yes(), SelfHeal: yes()}}
		})
		w.boot(nil)
		time.Sleep(time.Minute)
		app := w.app("shop")
		if app.Status.Sync.Status != api.SyncCodeSynced || app.Status.Health.Status != api.HealthHealthy {
			t.Errorf("%s %s\n%s", app.Status.Sync.Status, app.Status.Health.Status, w.story)
		}
		w.end()
	})
}
