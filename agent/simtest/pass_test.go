package simtest

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/apply"
	"github.com/tidelock-io/tidelock/agent/cluster"
	"github.com/tidelock-io/tidelock/agent/destinations"
	"github.com/tidelock-io/tidelock/agent/project"
	"github.com/tidelock-io/tidelock/agent/reconcile"
	"github.com/tidelock-io/tidelock/agent/simtest/kube"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
)

// service is what an Application of the benchmarks states.
const service = `{apiVersion: v1, kind: ConfigMap, metadata: {name: %[1]s}, data: {a: "1"}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: %[1]s-more}, data: {a: "1"}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: %[1]s}}
---
{apiVersion: v1, kind: Service, metadata: {name: %[1]s}, spec: {selector: {app: web}, ports: [{port: 80}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web:1}]}
`

// An estate is many synced Applications, without a queue: whoever holds it makes
// the passes.
type estate struct {
	*world
	applications *agent.Applications
	reconciler   *reconcile.Reconciler
}

// newEstate returns an estate of n Applications, named app-0 and so on.
func newEstate(b testing.TB, n int) *estate {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	var g errgroup.Group
	at := func(string, *kube.Object) time.Duration { return time.Millisecond }
	w := newWorld(ctx, 1, kube.Options{Delay: at}, time.Hour)
	w.log = slog.New(slog.DiscardHandler)
	b.Cleanup(func() {
		cancel()
		_ = g.Wait()
		w.server.End()
	})
	cfg := &rest.Config{Host: "http://simtest", Transport: w.server, QPS: -1}
	live, err := cluster.New(cfg, w.log, cluster.Listeners{Changed: func(string, bool) {}, Served: func() {}})
	fatal(b, err)
	fatal(b, live.Reach(ctx))
	applier, err := apply.New(cfg, live, w.log)
	fatal(b, err)
	applications, err := agent.NewApplications(cfg, agentNamespace, project.Namespaces{},
		func(string) project.Scoped { return project.Scoped{} }, func() int64 { return 0 })
	fatal(b, err)
	e := &estate{w, applications, reconcile.New(reconcile.Config{
		Namespace: agentNamespace, Store: applications, Pipeline: w.git, Destinations: reconcile.Only(destinations.Target{Cluster: live, Apply: applier}), Log: w.log,
		Now: time.Now, Refresh: refresh, Synced: func(*api.Application, *api.OperationState) {},
	})}
	agent.New(applications, e.reconciler, w.log, nil, nil) // listens to applications, and is not run
	g.Go(func() error { return live.Run(ctx) })
	g.Go(func() error { return applications.Run(ctx) })
	fatal(b, applications.Wait(ctx))
	fatal(b, applications.EnsureDefault(ctx))
	for i := range n {
		name := fmt.Sprintf("app-%d", i)
		e.state(name, fmt.Sprintf(service, name))
		e.application(name, automated)
	}
	for i := range n {
		e.until(b, fmt.Sprintf("app-%d", i), func(app *api.Application) bool {
			return app.Status.Sync.Status == api.SyncCodeSynced && app.Status.Health.Status == api.HealthHealthy &&
				app.Status.OperationState.Phase == api.OperationSucceeded
		})
	}
	return e
}

func automated(app *api.Application) {
	app.Spec.SyncPolicy = &api.SyncPolicy{Automated: &api.Automated{Prune: yes(), SelfHeal: yes()}}
}

func fatal(b testing.TB, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// state makes a commit that changes what an Application states.
func (e *estate) state(name, yaml string) {
	_, err := e.git.commit(name, yaml)
	must(err)
}

// pass makes one pass.
func (e *estate) pass(b testing.TB, name string) reconcile.Outcome {
	b.Helper()
	outcome, err := e.reconciler.Reconcile(e.ctx, agentNamespace, name)
	fatal(b, err)
	return outcome
}

// until makes passes over an Application until it is as it should be.
func (e *estate) until(b testing.TB, name string, is func(*api.Application) bool) {
	b.Helper()
	for range 1000 {
		if _, err := e.reconciler.Reconcile(e.ctx, agentNamespace, name); err == nil {
			if app := e.app(name); is(app) {
				return
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
	b.Fatalf("%s: %+v\n%s", name, e.app(name).Status, e.story)
}

// An Application that is made anew under its name inherits nothing, not even the
// report that rested when the old one went.
func TestMadeAnew(t *testing.T) {
	e := newEstate(t, 1)
	e.state("app-0", strings.Replace(fmt.Sprintf(service, "app-0"), "web:1", "web:2", 1))
	e.pass(t, "app-0")
	old := e.app("app-0")
	if old.Status.OperationState.Phase != api.OperationRunning || len(old.Status.History) != 1 {
		t.Fatalf("no report rests: %+v", old.Status.OperationState)
	}
	if _, code := e.do("world", http.MethodDelete, "/apis/argoproj.io/v1alpha1/namespaces/"+agentNamespace+"/applications/app-0", "", nil); code >= 300 {
		t.Fatalf("delete: %d", code)
	}
	e.application("app-0", func(*api.Application) {})
	next := e.app("app-0").UID
	fatal(t, wait.PollUntilContextTimeout(e.ctx, time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		app := e.applications.Application(agentNamespace, "app-0")
		return app != nil && app.UID == next, nil
	}))
	e.pass(t, "app-0")
	if status := e.app("app-0").Status; status.OperationState != nil || len(status.History) != 0 || status.Sync.Status == "" {
		t.Errorf("got %+v, history %v, %q", status.OperationState, status.History, status.Sync.Status)
	}
}

// BenchmarkQuietPass is a pass over an Application of which nothing has changed,
// among others.
func BenchmarkQuietPass(b *testing.B) {
	for _, n := range []int{1, 1000} {
		b.Run(fmt.Sprintf("among %d", n), func(b *testing.B) {
			e := newEstate(b, n)
			e.pass(b, "app-0")
			b.ReportAllocs()
			for b.Loop() {
				e.pass(b, "app-0")
			}
		})
	}
}

// BenchmarkPassWithExtra is the same of an Application that has an object which is
// no longer in Git, and stays.
func BenchmarkPassWithExtra(b *testing.B) {
	for _, n := range []int{1, 1000} {
		b.Run(fmt.Sprintf("among %d", n), func(b *testing.B) {
			e := newEstate(b, n)
			e.must(http.MethodPatch, "/apis/argoproj.io/v1alpha1/namespaces/"+agentNamespace+"/applications/app-0",
				map[string]any{"spec": map[string]any{"syncPolicy": map[string]any{"automated": map[string]any{"prune": false}}}})
			_, less, _ := strings.Cut(fmt.Sprintf(service, "app-0"), "---\n")
			e.state("app-0", less)
			e.until(b, "app-0", func(app *api.Application) bool { return app.Status.Sync.Status == api.SyncCodeOutOfSync })
			for range 10 {
				e.pass(b, "app-0")
			}
			b.ReportAllocs()
			for b.Loop() {
				e.pass(b, "app-0")
			}
		})
	}
}
