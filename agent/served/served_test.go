package served_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tidelock-io/tidelock/agent/controlplane"
	"github.com/tidelock-io/tidelock/agent/served"
	"github.com/tidelock-io/tidelock/cmd/testenv"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/validate"
	"github.com/tidelock-io/tidelock/render/validate/openapi"
)

var plane *controlplane.Plane

func TestMain(m *testing.M) {
	status, err := runAll(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

func runAll(m *testing.M) (int, error) {
	root, err := testenv.Root()
	if err != nil {
		return 0, err
	}
	plane, err = controlplane.Start(context.Background(), controlplane.Options{Program: filepath.Join(root, "bin", controlplane.Program), UserAgent: "test"})
	if err != nil {
		return 0, err
	}
	status := m.Run()
	return status, plane.Stop()
}

func none(schema.GroupKind) bool { return false }

// ask asks for all that a cluster serves.
func ask(t *testing.T, cfg *rest.Config, o served.Options) (*served.Cluster, []*openapi.Document, []string) {
	t.Helper()
	c, err := served.Ask(t.Context(), cfg, o)
	if err != nil {
		t.Fatal(err)
	}
	documents, notes, err := c.Documents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c, documents, notes
}

// What an API server of a version serves is what is built in for that version.
func TestAsBuiltIn(t *testing.T) {
	c, documents, notes := ask(t, plane.Config, served.Options{Parallel: 4})
	if len(notes) > 0 {
		t.Errorf("notes: %v", notes)
	}
	live, builtin := c.Schemas(documents, none), version(t, "1.37")
	if live.Name != "1.37" {
		t.Fatalf("it serves %s", live.Name)
	}
	compared := map[string]bool{}
	for _, gvk := range builtin.Kinds() {
		is, ok := live.Kind(gvk)
		if !ok { // not all are switched on
			continue
		}
		was, _ := builtin.Kind(gvk)
		if is != was {
			t.Errorf("%s is %+v, and %+v as it is built in", gvk, is, was)
		}
		same(t, live, builtin, is.Definition, compared)
	}
	for _, want := range []string{"io.k8s.api.apps.v1.Deployment", "io.k8s.api.core.v1.Container", "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"} {
		if !compared[want] {
			t.Errorf("%s was not compared", want)
		}
	}
}

func version(t *testing.T, name string) *openapi.Version {
	t.Helper()
	v, err := openapi.Of(name)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// same compares a definition, and those that it leads to.
func same(t *testing.T, live, builtin *openapi.Version, name string, compared map[string]bool) {
	t.Helper()
	if name == "" || compared[name] {
		return
	}
	compared[name] = true
	is, err := live.Named(name)
	if err != nil {
		t.Error(err)
		return
	}
	was, err := builtin.Named(name)
	if err != nil {
		t.Error(err)
		return
	}
	sameSchema(t, name, is, was)
	for _, ref := range refs(is) {
		same(t, live, builtin, ref, compared)
	}
}

// sameSchema compares two, but for the values that texts may have: of these the server
// knows more.
func sameSchema(t *testing.T, at string, is, was *openapi.Schema) {
	t.Helper()
	if is == nil || was == nil {
		if is != was {
			t.Errorf("%s: %v and %v", at, is, was)
		}
		return
	}
	a, b := *is, *was
	for _, s := range []*openapi.Schema{&a, &b} {
		s.Properties, s.Items, s.Values = nil, nil, nil
	}
	for _, value := range b.Enum {
		if !slices.Contains(a.Enum, value) {
			t.Errorf("%s: %q is none of %v", at, value, a.Enum)
		}
	}
	a.Enum, b.Enum = nil, nil
	if !reflect.DeepEqual(a, b) {
		t.Errorf("%s: %+v, and as it is built in %+v", at, a, b)
	}
	sameSchema(t, at+"[]", is.Items, was.Items)
	sameSchema(t, at+"{}", is.Values, was.Values)
	for name := range is.Properties {
		sameSchema(t, at+"."+name, is.Properties[name], was.Properties[name])
	}
	if len(is.Properties) != len(was.Properties) {
		t.Errorf("%s: %d properties, and %d as it is built in", at, len(is.Properties), len(was.Properties))
	}
}

func refs(s *openapi.Schema) []string {
	if s == nil {
		return nil
	}
	all := append(refs(s.Items), refs(s.Values)...)
	if s.Ref != "" {
		all = append(all, s.Ref)
	}
	for _, property := range s.Properties {
		all = append(all, refs(property)...)
	}
	return all
}

const widgets = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.shop.example.com}
spec:
  group: shop.example.com
  scope: Cluster
  names: {plural: widgets, singular: widget, kind: Widget, listKind: WidgetList}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        required: [spec]
        properties:
          spec:
            type: object
            required: [size]
            x-kubernetes-validations:
            - {rule: "!has(self.most) || self.size <= self.most", message: size must not be more than most}
            properties:
              size: {type: integer, minimum: 1}
              most: {type: integer}
              port: {x-kubernetes-int-or-string: true}
              extra: {type: object, x-kubernetes-preserve-unknown-fields: true, properties: {known: {type: string}}}
`

// define makes a custom kind, and waits until it is served and its schema published.
func define(t *testing.T, text, path string) {
	t.Helper()
	var body map[string]any
	if err := yaml.Unmarshal([]byte(text), &body); err != nil {
		t.Fatal(err)
	}
	client, err := dynamic.NewForConfig(plane.Config)
	if err != nil {
		t.Fatal(err)
	}
	o := &unstructured.Unstructured{Object: body}
	gvr := schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	if _, err := client.Resource(gvr).Apply(t.Context(), o.GetName(), o, metav1.ApplyOptions{FieldManager: "test", Force: true}); err != nil {
		t.Fatal(err)
	}
	err = wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, 3*time.Minute, true, func(ctx context.Context) (bool, error) {
		c, err := served.Ask(ctx, plane.Config, served.Options{})
		if err != nil {
			return false, err
		}
		documents, _, err := c.Documents(ctx)
		for _, doc := range documents {
			for name := range doc.Schemas {
				if strings.Contains(name, path) {
					return true, err
				}
			}
		}
		return false, err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// findings are those of some manifests, a line each.
func findings(t *testing.T, c *served.Cluster, documents []*openapi.Document, text string) (string, []string) {
	t.Helper()
	set, err := manifest.ParseStrict([]byte(text), manifest.Origin{File: "a.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	defined, notes, err := c.Definitions(t.Context(), set)
	if err != nil {
		t.Fatal(err)
	}
	custom := &validate.Definitions{}
	for _, o := range defined {
		custom.Add(o)
	}
	var b strings.Builder
	for _, p := range validate.For(c.Schemas(documents, custom.Has), custom).Set(t.Context(), set) {
		fmt.Fprintf(&b, "%s %s: %s: %s; %s\n", p.Object.Key.Kind, p.Rule, p.Path, p.Message, p.Hint)
	}
	return b.String(), notes
}

const shop = `apiVersion: shop.example.com/v1
kind: Widget
metadata: {name: a}
spec: {size: 9, most: 3, port: http, colour: red, extra: {any: [1], known: x}}
---
apiVersion: shop.example.com/v2
kind: Widget
metadata: {name: a}
---
apiVersion: shop.example.com/v1
kind: Wigdet
metadata: {name: a}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: a}
---
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata: {name: a}
---
apiVersion: v1
kind: Service
metadata: {name: a}
spec: {ports: [{port: "80", apProtocol: http}]}
`

func TestCustomKinds(t *testing.T) {
	define(t, widgets, "shop.v1.Widget")
	t.Run("by their definitions", func(t *testing.T) {
		c, documents, _ := ask(t, plane.Config, served.Options{Parallel: 4})
		got, notes := findings(t, c, documents, shop)
		want := `Widget unknown-field: spec.colour: there is no such field; 
Widget cel-rule: spec: size must not be more than most; 
Widget unknown-kind: apiVersion: the definition at the cluster serves Widget in no version v2; it serves v1
Wigdet unknown-kind: kind: the cluster (Kubernetes 1.37) has no kind Wigdet in shop.example.com/v1; did you mean Widget?
Certificate unknown-kind: kind: the cluster (Kubernetes 1.37) has no kind Certificate in cert-manager.io/v1; install its CustomResourceDefinition, or add it to the repository
Service unknown-field: spec.ports[0].apProtocol: there is no such field; did you mean "appProtocol"?
Service wrong-type: spec.ports[0].port: it must be a whole number, and is a string; write it without quotes
`
		compare(t, got, want)
		if len(notes) > 0 {
			t.Errorf("notes: %v", notes)
		}
		if namespaced, known := c.Scope(parse(t, shop)[0]); namespaced || !known {
			t.Errorf("its scope: namespaced %t, known %t", namespaced, known)
		}
	})
	t.Run("by what is published, for who may not read definitions", func(t *testing.T) {
		cfg := rest.CopyConfig(plane.Config)
		cfg.Impersonate = rest.ImpersonationConfig{UserName: "reader", Groups: []string{"system:authenticated"}}
		c, documents, _ := ask(t, cfg, served.Options{})
		got, notes := findings(t, c, documents, shop)
		if !strings.Contains(got, "Widget unknown-field: spec.colour") || strings.Contains(got, "extra") || strings.Contains(got, "cel-rule") || strings.Contains(got, "port: ") && !strings.Contains(got, "ports[0]") {
			t.Errorf("got\n%s", got)
		}
		if len(notes) != 1 || !strings.Contains(notes[0], "it takes get on customresourcedefinitions.apiextensions.k8s.io") {
			t.Errorf("notes: %v", notes)
		}
	})
}

func parse(t *testing.T, text string) manifest.Set {
	t.Helper()
	set, err := manifest.Parse([]byte(text), manifest.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func compare(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// A tap sees each request, and may answer it.
type tap struct {
	next   http.RoundTripper
	answer func(path string) int // a status in place of the answer; 0 for the answer

	mu    sync.Mutex
	paths []string
}

func (p *tap) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	p.paths = append(p.paths, r.URL.Path)
	p.mu.Unlock()
	if status := p.answer(r.URL.Path); status != 0 {
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
	}
	return p.next.RoundTrip(r)
}

// through is a way to the cluster on which paths may get another answer.
func through(answer func(path string) int) (*rest.Config, *tap) {
	p := &tap{answer: answer}
	cfg := rest.CopyConfig(plane.Config)
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.next = next
		return p
	})
	return cfg, p
}

// A memory is a Shelf.
type memory struct {
	mu   sync.Mutex
	kept map[string][]byte
}

func (m *memory) Get(key string) ([]byte, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	data, ok := m.kept[key]
	return data, ok
}

func (m *memory) Put(key string, data []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept[key] = data
}

func TestKept(t *testing.T) {
	kept := &memory{kept: map[string][]byte{}}
	read := func() int {
		cfg, p := through(func(string) int { return 0 })
		ask(t, cfg, served.Options{Kept: kept, Parallel: 2})
		n := 0
		for _, path := range p.paths {
			if strings.HasPrefix(path, "/openapi/v3/") {
				n++
			}
		}
		return n
	}
	if first, second := read(), read(); first < 15 || second != 0 {
		t.Errorf("%d documents were read at first, then %d", first, second)
	}
	for key := range kept.kept { // damaged, it is read again
		kept.kept[key] = []byte("{")
	}
	if again := read(); again < 15 {
		t.Errorf("%d documents were read in place of damaged ones", again)
	}
}

func TestPartly(t *testing.T) {
	cfg, _ := through(func(path string) int {
		if path == "/openapi/v3/apis/batch/v1" {
			return http.StatusServiceUnavailable
		}
		return 0
	})
	c, documents, notes := ask(t, cfg, served.Options{})
	if len(notes) != 1 || !strings.Contains(notes[0], "the cluster does not give the schemas of batch/v1") {
		t.Errorf("notes: %v", notes)
	}
	// What is not known is silent; what is, is not.
	got, _ := findings(t, c, documents, "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: a, labels: {x: \"a b\"}}\nspec: {nonsense: 1}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndta: {}\n")
	if !strings.Contains(got, "ConfigMap unknown-field: dta") || strings.Contains(got, "nonsense") || !strings.Contains(got, "CronJob") {
		t.Errorf("got\n%s", got)
	}
}

func TestCannotTell(t *testing.T) {
	refuse := func(prefix string, status int) *rest.Config {
		cfg, _ := through(func(path string) int {
			if strings.HasPrefix(path, prefix) {
				return status
			}
			return 0
		})
		return cfg
	}
	closed := rest.CopyConfig(plane.Config)
	closed.Host = "https://127.0.0.1:1"
	unknown := &rest.Config{Host: plane.Config.Host, BearerToken: "nobody's", TLSClientConfig: rest.TLSClientConfig{CAData: plane.Config.CAData, CAFile: plane.Config.CAFile}}
	for _, tt := range []struct {
		name string
		cfg  *rest.Config
		want string
	}{
		{"nobody is there", closed, "connection refused"},
		{"nobody is known", unknown, "it takes the rights of the ClusterRole system:discovery"},
		{"no discovery", refuse("/api", http.StatusInternalServerError), "ask the cluster what it serves"},
		{"no schemas", refuse("/openapi/v3", http.StatusForbidden), "ask the cluster for its schemas: "},
		{"none of the schemas", refuse("/openapi/v3/", http.StatusInternalServerError), "ask the cluster for its schemas: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := served.Ask(t.Context(), tt.cfg, served.Options{})
			if err == nil {
				_, _, err = c.Documents(t.Context())
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := served.Ask(ctx, plane.Config, served.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
}

// A group whose own API server does not answer is not one that the cluster has not.
func TestSilentGroup(t *testing.T) {
	client, err := dynamic.NewForConfig(plane.Config)
	if err != nil {
		t.Fatal(err)
	}
	services := client.Resource(schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"})
	service := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": map[string]any{"name": "v1beta1.metrics.example.com"},
		"spec": map[string]any{
			"group": "metrics.example.com", "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100, "insecureSkipTLSVerify": true,
			"service": map[string]any{"namespace": "default", "name": "gone"},
		},
	}}
	if _, err := services.Apply(t.Context(), service.GetName(), service, metav1.ApplyOptions{FieldManager: "test", Force: true}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := services.Delete(context.WithoutCancel(t.Context()), service.GetName(), metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			t.Error(err)
		}
	})
	var c *served.Cluster
	err = wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, 3*time.Minute, true, func(ctx context.Context) (bool, error) {
		c, err = served.Ask(ctx, plane.Config, served.Options{})
		return err == nil && slices.Contains(c.Silent(), "metrics.example.com"), err
	})
	if err != nil {
		t.Fatal(err)
	}
	documents, _, err := c.Documents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, _ := findings(t, c, documents, "apiVersion: metrics.example.com/v1beta1\nkind: PodMetrics\nmetadata: {name: a}\n")
	compare(t, got, "")
	if notes := c.Notes(); len(notes) != 1 || !strings.Contains(notes[0], "which kinds group metrics.example.com has") {
		t.Errorf("notes: %v", notes)
	}
}
