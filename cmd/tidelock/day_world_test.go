package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/simtest/kube"
	"github.com/tidelock-io/tidelock/agent/traffic"
	"github.com/tidelock-io/tidelock/cmd/testenv"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/secrets/leak"
)

// A dayWorld is the whole agent, tied together as runAgent does it, in the virtual
// time of testing/synctest: its API server is one in memory, its Git repository a
// directory, and its plugins are called without processes, for real connections would
// stop the clock.
type dayWorld struct {
	*parts
	server  *kube.Server
	dir     string // of the repository
	given   *givenSecrets
	sops    testenv.SOPSKey
	sealing testenv.SealingKey
	running *errgroup.Group
	stop    context.CancelFunc

	mu    sync.Mutex
	asked map[string]int // requests of the agent by verb and resource; guarded by mu
}

// dayAgent is the User-Agent by which the agent's watches are known.
const dayAgent = "tidelock/day"

// dayLease is longer than usual, for most of a virtual day would be renewals.
const dayLease = 10 * time.Minute

// unheard is a listener to whom nobody talks. A real one would stop the clock.
type unheard struct{ closed chan struct{} }

func (u unheard) Accept() (net.Conn, error) { <-u.closed; return nil, net.ErrClosed }
func (u unheard) Close() error              { close(u.closed); return nil }
func (unheard) Addr() net.Addr              { return &net.TCPAddr{} }

// morning makes the world. Nothing is in it yet.
func morning(t *testing.T) *dayWorld {
	t.Helper()
	w := &dayWorld{dir: t.TempDir(), asked: map[string]int{}, given: &givenSecrets{}}
	own := schema.GroupVersion{Group: "argoproj.io", Version: "v1alpha1"}
	w.server = kube.New(kube.Options{
		Delay: func(string, *kube.Object) time.Duration { return time.Second },
		Kinds: []*kube.Kind{
			{GroupVersionKind: own.WithKind("ApplicationSet"), Resource: "applicationsets", Namespaced: true, Counted: true},
			{GroupVersionKind: schema.GroupVersionKind{Version: "v1", Kind: "Event"}, Resource: "events", Namespaced: true},
			{GroupVersionKind: schema.GroupVersionKind{Group: "coordination.k8s.io", Version: "v1", Kind: "Lease"}, Resource: "leases", Namespaced: true},
		},
		Bookmarks: time.Minute,
	})
	var err error
	if _, err = gogit.PlainInitWithOptions(w.dir, &gogit.PlainInitOptions{InitOptions: gogit.InitOptions{DefaultBranch: plumbing.Main}}); err != nil {
		t.Fatal(err)
	}
	if w.sops, err = testenv.NewSOPSKey(); err != nil {
		t.Fatal(err)
	}
	if w.sealing, err = testenv.NewSealingKey(); err != nil {
		t.Fatal(err)
	}
	w.create(t, map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": testenv.AgentNamespace}})
	w.create(t, w.sops.Secret("sops"))
	w.create(t, w.sealing.Secret("kube-system", "sealing"))
	return w
}

// wake starts the agent.
func (w *dayWorld) wake(t *testing.T) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	o := agentOptions{
		namespace: testenv.AgentNamespace, sealingNamespace: "kube-system", sealedSecrets: "auto", cacheDir: t.TempDir(),
		pollInterval: defaultPoll, refresh: defaultRefresh, submodules: true, notifications: true, metricsConditions: []string{"*"},
		replicasListen: "127.0.0.1:0", leaseDuration: dayLease,
		plugins: pluginOptions{dir: t.TempDir(), scratch: t.TempDir()},
	}
	o.plugins.inCluster = true
	host, err := newHost(log, o.plugins)
	if err != nil {
		t.Fatal(err)
	}
	host.calls = &beside{plugins: builtins(), secrets: w.given}
	logs := &logging{Logger: log, level: &slog.LevelVar{}}
	w.parts = &parts{log: log, logs: logs, options: o, host: host, known: &leak.Known{}}
	w.params = newParams(&o, newAgentCommand().Flags(), origins{}, log)
	w.params.config, w.params.tell, w.params.take = w.configMap, w.misread, w.retuned
	ctx, stop := context.WithCancel(t.Context())
	cfg := &rest.Config{Host: "http://day", QPS: -1, UserAgent: dayAgent, Transport: w.server}
	cfg.ContentType = "application/json" // the server in memory reads nothing else
	cfg.Wrap(traffic.Told("", w.count))
	if err := w.assemble(ctx, cfg); err != nil {
		t.Fatal(err)
	}
	if err := w.replicas.listener.Close(); err != nil {
		t.Fatal(err)
	}
	w.replicas.listener = unheard{make(chan struct{})}
	w.stop, w.running = stop, &errgroup.Group{}
	w.running.Go(func() error { return w.work(ctx) })
}

// night ends it all.
func (w *dayWorld) night(t *testing.T) {
	t.Helper()
	w.stop()
	w.server.End()
	if err := w.running.Wait(); err != nil {
		t.Error(err)
	}
	w.engine.close()
}

func (w *dayWorld) count(r traffic.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked[strings.TrimSpace(r.Verb+" "+r.Resource)]++
}

// requests returns what was asked since the last time.
func (w *dayWorld) requests() testenv.Requests {
	w.mu.Lock()
	defer w.mu.Unlock()
	asked := testenv.Requests(w.asked)
	w.asked = map[string]int{}
	return asked
}

// do makes a request as somebody who is not the agent. What is not there is no error.
func (w *dayWorld) do(t *testing.T, method, path string, body any) {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, "http://day"+path, bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("User-Agent", "somebody")
	r.Header.Set("Content-Type", "application/json")
	if method == http.MethodPatch {
		r.Header.Set("Content-Type", "application/merge-patch+json")
	}
	answer, err := w.server.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode >= 300 {
		t.Fatalf("%s %s: %d %s %v", method, path, answer.StatusCode, text, err)
	}
}

// places of the kinds that tests make, by group.
var places = map[string]string{
	"Namespace": "namespaces", "Secret": "secrets", "Application": "applications", "ApplicationSet": "applicationsets", "AppProject": "appprojects",
}

// create makes an object, of a kind in places.
func (w *dayWorld) create(t *testing.T, o any) {
	t.Helper()
	raw, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{}
	if err := json.Unmarshal(raw, &u.Object); err != nil {
		t.Fatal(err)
	}
	if u.GetKind() == "" {
		u.SetAPIVersion("v1")
		u.SetKind("Secret")
	}
	w.do(t, http.MethodPost, pathOf(u.GetKind(), u.GetNamespace(), ""), u.Object)
}

func pathOf(kind, namespace, name string) string {
	path := "/api/v1"
	if strings.HasPrefix(kind, "App") {
		path = "/apis/argoproj.io/v1alpha1"
	}
	if namespace != "" {
		path += "/namespaces/" + namespace
	}
	return strings.TrimSuffix(path+"/"+places[kind]+"/"+name, "/")
}

// application makes one of a directory, in a namespace that is named after it.
func (w *dayWorld) application(t *testing.T, name, path string) {
	t.Helper()
	var app map[string]any
	if err := yaml.Unmarshal(fmt.Appendf(nil, application, name, w.address(), path, name), &app); err != nil {
		t.Fatal(err)
	}
	app["metadata"].(map[string]any)["namespace"] = testenv.AgentNamespace
	app["metadata"].(map[string]any)["finalizers"] = []any{api.FinalizerResources}
	w.create(t, app)
}

func (w *dayWorld) address() string { return "file://" + w.dir }

// commit writes files and commits all that has changed.
func (w *dayWorld) commit(t *testing.T, files map[string]string) {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(w.dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	repo, err := gogit.PlainOpen(w.dir) // anew, for it keeps what it has read
	if err != nil {
		t.Fatal(err)
	}
	tree, err := repo.Worktree()
	if err != nil {
		t.Fatal(err)
	}
	if err := tree.AddWithOptions(&gogit.AddOptions{All: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := tree.Commit("change", &gogit.CommitOptions{Author: &object.Signature{Name: "a", Email: "a@b", When: time.Now()}}); err != nil {
		t.Fatal(err)
	}
}

// unsettled lists the Applications that are not Synced and Healthy, and why.
func (w *dayWorld) unsettled() (list []string) {
	for _, app := range w.applications.List() {
		if app.Status.Sync.Status != api.SyncCodeSynced || app.Status.Health.Status != api.HealthHealthy {
			list = append(list, fmt.Sprint(app.Name, ": ", app.Status.Sync.Status, " ", app.Status.Health.Status, " ", app.Status.Conditions))
		}
	}
	return list
}

// series is how many lines of metrics there are.
func (w *dayWorld) series(t *testing.T) int {
	t.Helper()
	out := &answerBuffer{header: http.Header{}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	w.metricsMux().ServeHTTP(out, r)
	n := 0
	for line := range strings.Lines(out.String()) {
		if !strings.HasPrefix(line, "#") {
			n++
		}
	}
	return n
}

// An answerBuffer keeps what a handler answers.
type answerBuffer struct {
	bytes.Buffer
	header http.Header
}

func (b *answerBuffer) Header() http.Header { return b.header }
func (*answerBuffer) WriteHeader(int)       {}

// beside calls plugins in this process. ExternalSecrets are not asked of a store, but
// of who gives secrets.
type beside struct {
	plugins map[string]sdk.Plugin
	secrets *givenSecrets
}

func (b *beside) Render(ctx context.Context, plugin string, req *sdk.RenderRequest) (*sdk.RenderResult, error) {
	return b.plugins[plugin].Renderer.Render(ctx, req)
}

func (b *beside) Decrypt(ctx context.Context, plugin string, req *sdk.DecryptRequest) ([]byte, error) {
	return b.plugins[plugin].Decrypter.Decrypt(ctx, req)
}

func (b *beside) Fetch(ctx context.Context, plugin string, req *sdk.SecretRequest) (*sdk.SecretResult, error) {
	if plugin == externalPlugin {
		return b.secrets.Fetch(ctx, req)
	}
	return b.plugins[plugin].SecretSource.Fetch(ctx, req)
}

// givenSecrets is a provider with one value.
type givenSecrets struct {
	mu      sync.Mutex
	version int // guarded by mu
	fetched int // likewise
}

func (g *givenSecrets) Fetch(context.Context, *sdk.SecretRequest) (*sdk.SecretResult, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fetched++
	managed := map[string]string{"reconcile.external-secrets.io/managed": "true"}
	return &sdk.SecretResult{Type: "Opaque", Labels: managed, Data: map[string]sdk.Material{"password": fmt.Appendf(nil, "version %d", g.version)}}, nil
}

// rotate gives another value from now on.
func (g *givenSecrets) rotate() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.version++
}

// count returns how often it was asked.
func (g *givenSecrets) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.fetched
}
