package cluster

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
)

// faults are what a network and an API server do to requests.
type faults struct {
	mu      sync.Mutex // guards all below
	refuse  func(*http.Request) (code int, body string)
	rewrite func(*http.Request, []byte) []byte
	open    map[*stream]bool
	asked   map[string]int // requests by what kind they are
}

func (f *faults) roundTrip(r *http.Request, next http.RoundTripper) (*http.Response, error) {
	f.mu.Lock()
	f.asked[kindOf(r)]++
	refuse, rewrite := f.refuse, f.rewrite
	f.mu.Unlock()
	if refuse != nil {
		if code, body := refuse(r); code != 0 {
			return &http.Response{
				StatusCode: code, Status: http.StatusText(code), Request: r, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
				Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)),
			}, nil
		}
	}
	answer, err := next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	switch {
	case isWatch(r):
		s := &stream{ReadCloser: answer.Body, faults: f}
		f.mu.Lock()
		f.open[s] = true
		f.mu.Unlock()
		answer.Body = s
	case rewrite != nil:
		raw, err := io.ReadAll(answer.Body)
		if err != nil {
			return nil, err
		}
		_ = answer.Body.Close()
		answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(rewrite(r, raw))), -1
	}
	return answer, nil
}

// A stream is the body of a watch, which can be cut: it ends then.
type stream struct {
	io.ReadCloser
	faults *faults
	cut    atomic.Bool
}

func (s *stream) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	if s.cut.Load() {
		return 0, io.EOF
	}
	return n, err
}

func (s *stream) Close() error {
	s.faults.mu.Lock()
	delete(s.faults.open, s)
	s.faults.mu.Unlock()
	return s.ReadCloser.Close()
}

// cut ends all watches, as a restart of a load balancer does.
func (f *faults) cut() {
	f.mu.Lock()
	var open []*stream
	for s := range f.open {
		open = append(open, s)
	}
	f.mu.Unlock()
	for _, s := range open {
		s.cut.Store(true)
		_ = s.Close()
	}
}

func (f *faults) set(refuse func(*http.Request) (int, string), rewrite func(*http.Request, []byte) []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refuse, f.rewrite = refuse, rewrite
}

func (f *faults) count(kind string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked[kind]
}

func isWatch(r *http.Request) bool { return r.URL.Query().Get("watch") != "" }

// kindOf tells the listing of ConfigMaps (in pages, or as a stream) from their
// watch, the reading of an object of any kind, and all else.
func kindOf(r *http.Request) string {
	q := r.URL.Query()
	configMaps := strings.HasSuffix(r.URL.Path, "/configmaps")
	switch {
	case configMaps && isWatch(r) && q.Get("sendInitialEvents") == "":
		return "watch"
	case configMaps && r.Method == http.MethodGet:
		return "list"
	case r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/namespaces/"):
		return "read"
	}
	return "other"
}

// faulty gives the world a Cluster that reaches the server through faults.
func (w *world) faulty() *faults {
	w.t.Helper()
	f := &faults{open: map[*stream]bool{}, asked: map[string]int{}}
	cfg := rest.CopyConfig(env.Config)
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) { return f.roundTrip(r, next) })
	})
	w.connectBy(cfg)
	return f
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

const (
	gone    = `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Expired","code":410,"message":"too old resource version"}`
	broken  = `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"ServiceUnavailable","code":503,"message":"injected"}`
	goneNow = `{"type":"ERROR","object":` + gone + "}\n"
)

// What happens while nobody watches is known afterwards, whatever way the watch
// was lost.
func TestLostWatch(t *testing.T) {
	blind := func(r *http.Request) (int, string) {
		if kind := kindOf(r); kind == "watch" || kind == "list" {
			return http.StatusServiceUnavailable, broken
		}
		return 0, ""
	}
	resuming := func(code int, body string) func(*http.Request) (int, string) {
		return func(r *http.Request) (int, string) {
			if kindOf(r) == "watch" && r.URL.Query().Get("resourceVersion") != "" {
				return code, body
			}
			return 0, ""
		}
	}
	for _, tt := range []struct {
		name          string
		blind, resume func(*http.Request) (int, string) // then, until the listing
		lists         bool
	}{
		{"it goes on where it was", nil, nil, false},
		{"the server is away", blind, nil, true},
		{"410 Gone", blind, resuming(http.StatusGone, gone), true},
		{"410 Gone as an event", nil, resuming(http.StatusOK, goneNow), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			f := w.faulty()
			set := w.git(`{apiVersion: v1, kind: ConfigMap, metadata: {name: edited}, data: {a: "1"}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: deleted}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: kept}}`)
			w.sync(set)
			w.caughtUp(set)
			f.set(tt.blind, nil)
			if tt.blind == nil {
				f.set(tt.resume, nil)
			}
			lists := f.count("list")
			f.cut()
			w.edit(set[0], `{data: {a: "2"}}`)
			if err := w.resource(set[1]).Delete(w.ctx, "deleted", metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
			if tt.blind != nil {
				if got := w.verdicts(set); got != "" {
					t.Fatalf("blind, and it says %q", got)
				}
				f.set(tt.resume, nil)
			}
			w.await("what has happened", func() bool {
				if f.count("list") > lists {
					f.set(nil, nil) // the server has its history again
				}
				live := w.Snapshot(w.app, set)
				return live[set[1].Key] == nil && live[set[0].Key].Digest != live[set[0].Key].Baseline.Digest
			})
			ns := w.namespace
			if got, want := w.verdicts(set), "drift ConfigMap "+ns+"/edited*\ncreate ConfigMap "+ns+"/deleted"; got != want {
				t.Errorf("got  %q\nwant %q", got, want)
			}
			if listed := f.count("list") > lists; listed != tt.lists {
				t.Errorf("all was listed anew: %v, want %v", listed, tt.lists)
			}
		})
	}
}

// A server behind the API server that is down takes its own kinds with it and no
// others; what was known of them stays.
func TestSilentServerTakesNothingAway(t *testing.T) {
	w := newWorld(t)
	f := w.faulty()
	group := "silent.example.com"
	set := w.git(`{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: things.` + group + `}, spec: {group: ` + group + `, scope: Namespaced,
		names: {kind: Thing, plural: things}, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]}}
---
{apiVersion: ` + group + `/v1, kind: Thing, metadata: {name: x}, spec: {a: 1}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}`)
	w.sync(set)
	w.caughtUp(set)
	f.set(nil, func(r *http.Request, raw []byte) []byte { return stale(t, r, raw, group) })
	if err := w.Discover(w.ctx); err != nil {
		t.Fatal(err)
	}
	if !w.ServesVersion(set[1].GVK()) || w.watching(feed{gvk: set[1].GVK()}) == nil {
		t.Error("its kind is taken for gone")
	}
	if got := w.verdicts(set); got != "" {
		t.Errorf("silence changes verdicts: %q", got)
	}
	w.edit(set[1], `{spec: {a: 2}}`)
	w.caughtUp(set)
	if got, want := w.verdicts(set), "drift "+group+"/Thing "+w.namespace+"/x*"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	f.set(func(r *http.Request) (int, string) {
		if r.URL.Path == "/apis" {
			return http.StatusServiceUnavailable, broken
		}
		return 0, ""
	}, nil)
	if err := w.Discover(w.ctx); err == nil {
		t.Error("a server that does not say what it serves serves nothing")
	}
	if !w.ServesVersion(set[1].GVK()) || len(w.Snapshot(w.app, set)) != len(set) {
		t.Error("with the discovery all is lost")
	}
	f.set(nil, nil)
	if err := w.resource(set[0]).Delete(w.ctx, set[0].Key.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	w.await("the end of the kind", func() bool { return !w.ServesVersion(set[1].GVK()) })
}

// stale rewrites an answer of discovery: the server of a group is silent.
func stale(t *testing.T, r *http.Request, raw []byte, group string) []byte {
	if r.URL.Path != "/apis" {
		return raw
	}
	var list map[string]any
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Error(err)
		return raw
	}
	found := false
	items, _ := list["items"].([]any)
	for _, item := range items {
		g, _ := item.(map[string]any)
		meta, _ := g["metadata"].(map[string]any)
		if meta["name"] != group {
			continue
		}
		for _, v := range g["versions"].([]any) {
			version := v.(map[string]any)
			version["freshness"] = "Stale"
			delete(version, "resources")
			found = true
		}
	}
	if !found {
		t.Errorf("the discovery does not name %s", group)
	}
	raw, err := json.Marshal(list)
	if err != nil {
		t.Error(err)
	}
	return raw
}

// A real APIService whose server was never there is no reason to know nothing.
func TestAPIServiceWithoutServer(t *testing.T) {
	w := newWorld(t)
	services := env.Dynamic.Resource(schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"})
	name := "v1." + w.namespace + ".example.com"
	service := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": map[string]any{"name": name},
		"spec": map[string]any{
			"group": w.namespace + ".example.com", "version": "v1", "groupPriorityMinimum": int64(100), "versionPriority": int64(10),
			"insecureSkipTLSVerify": true, "service": map[string]any{"namespace": w.namespace, "name": "nobody"},
		},
	}}
	if _, err := services.Create(w.ctx, service, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = services.Delete(w.ctx, name, metav1.DeleteOptions{}) })
	w.await("the server to say that it is down", func() bool {
		live, err := services.Get(w.ctx, name, metav1.GetOptions{})
		return err == nil && strings.Contains(fmt.Sprint(live.Object["status"]), "False")
	})
	w.connect()
	if err := w.Discover(w.ctx); err != nil {
		t.Fatal(err)
	}
	set := w.git(`{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}`)
	w.sync(set)
	if got := w.verdicts(set); got != "" {
		t.Errorf("got %q", got)
	}
}
