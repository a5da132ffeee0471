package cluster

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/cmd/testenv"
	"github.com/tidelock-io/tidelock/render/manifest"
	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

// env is a real API server with its controllers, for all tests of the package.
var env *testenv.Cluster

func TestMain(m *testing.M) { testenv.Main(m, &env) }

// within bounds every test.
const within = 3 * time.Minute

// worlds counts the namespaces that tests have used.
var worlds atomic.Int64

// A world is one agent's view of the API server, and a namespace to work in.
type world struct {
	*Cluster
	t         *testing.T
	ctx       context.Context
	app       string
	namespace string
	bounds    Bounds

	mu    sync.Mutex
	drift []string // calls of Changed that told of drift
}

func newWorld(t *testing.T) *world {
	t.Helper()
	name := strings.ToLower(strings.NewReplacer("/", "-", "_", "-", ",", "").Replace(t.Name()))
	name = fmt.Sprintf("%s-%d", name[:min(len(name), 45)], worlds.Add(1))
	w := &world{t: t, app: name, namespace: name}
	ctx, cancel := context.WithTimeout(context.Background(), within)
	w.ctx = ctx
	namespace := schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": w.namespace},
	}}
	options := metav1.ApplyOptions{FieldManager: "test", Force: true}
	if _, err := env.Dynamic.Resource(namespace).Apply(ctx, w.namespace, object, options); err != nil {
		t.Fatal(err)
	}
	w.connect()
	t.Cleanup(cancel)
	return w
}

// connect gives the world a new Cluster, as after a restart of the agent.
func (w *world) connect() {
	w.t.Helper()
	w.connectBy(env.Config)
}

// connectBy connects in another way.
func (w *world) connectBy(cfg *rest.Config) {
	w.t.Helper()
	c, err := New(cfg, slog.New(slog.DiscardHandler), Listeners{
		Changed: func(app string, drifted bool) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if drifted {
				w.drift = append(w.drift, app)
			}
		},
		Served: func() {},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	c.Confine(w.bounds)
	w.Cluster = c
	ctx, cancel := context.WithCancel(w.ctx)
	var g errgroup.Group
	g.Go(func() error { return c.Run(ctx) })
	w.t.Cleanup(func() {
		cancel()
		if err := g.Wait(); err != nil {
			w.t.Error(err)
		}
	})
	if err := c.Discover(ctx); err != nil {
		w.t.Fatal(err)
	}
}

// git reads manifests, and marks and places them as a pass does.
func (w *world) git(text string) manifest.Set {
	w.t.Helper()
	var set manifest.Set
	for _, doc := range strings.Split(text, "\n---\n") {
		raw, err := yaml.YAMLToJSON([]byte(doc))
		if err != nil {
			w.t.Fatalf("%v\n%s", err, doc)
		}
		var body map[string]any
		if err := utiljson.Unmarshal(raw, &body); err != nil {
			w.t.Fatal(err)
		}
		o, err := manifest.New(body, manifest.Origin{})
		if err != nil {
			w.t.Fatal(err)
		}
		set = append(set, o)
	}
	set, err := set.Place(w.namespace, set.Scopes())
	if err != nil {
		w.t.Fatal(err)
	}
	for i, o := range set {
		id := api.TrackingID{App: w.app, Group: o.Key.Group, Kind: o.Key.Kind, Namespace: cmp.Or(o.Key.Namespace, w.namespace), Name: o.Key.Name}
		set[i], err = o.Edit(func(body map[string]any) {
			u := &unstructured.Unstructured{Object: body}
			labels, annotations := u.GetLabels(), u.GetAnnotations()
			if labels == nil {
				labels = map[string]string{}
			}
			if annotations == nil {
				annotations = map[string]string{}
			}
			labels[api.LabelApp] = api.AppLabel(w.app)
			annotations[api.AnnotationTrackingID] = id.String()
			u.SetLabels(labels)
			if o.Key.Kind != "CustomResourceDefinition" {
				u.SetAnnotations(annotations)
			}
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	return set
}

func (w *world) resource(o *manifest.Object) dynamic.ResourceInterface {
	w.t.Helper()
	kind, err := w.Kind(w.ctx, o.GVK())
	if err != nil {
		w.t.Fatal(err)
	}
	if kind.Namespaced {
		return env.Dynamic.Resource(kind.Resource).Namespace(o.Key.Namespace)
	}
	return env.Dynamic.Resource(kind.Resource)
}

// send applies an object as agent/apply does, and returns the answer.
func (w *world) send(o *manifest.Object, dryRun ...string) map[string]any {
	w.t.Helper()
	force := true
	options := metav1.PatchOptions{FieldManager: diff.Manager, Force: &force, DryRun: dryRun}
	answer, err := w.resource(o).Patch(w.ctx, o.Key.Name, types.ApplyPatchType, o.Reveal(), options)
	if err != nil {
		w.t.Fatalf("apply %s: %v", o.Key, err)
	}
	return answer.Object
}

// sync watches and applies all objects, in order.
func (w *world) sync(set manifest.Set) {
	w.t.Helper()
	for _, o := range set {
		w.await("served: "+o.Key.Kind, func() bool {
			_, err := w.Kind(w.ctx, o.GVK())
			return err == nil
		})
		if err := w.Watch(w.ctx, o.GVK()); err != nil {
			w.t.Fatal(err)
		}
		w.Accept(o, w.send(o))
	}
}

// verdicts compares, asking the server where the digests cannot tell. It prints
// a line for each object that is not the same, with a star if it was asked for.
func (w *world) verdicts(set manifest.Set) string {
	w.t.Helper()
	var b strings.Builder
	for _, c := range diff.Compare(w.app, set, w.Snapshot(w.app, set)) {
		asked := ""
		if c.Verdict == diff.Ask {
			asked = "*"
			c.Verdict = w.Judge(c.Desired, c.Live, w.send(c.Desired, metav1.DryRunAll))
		}
		if c.Verdict != diff.Same || asked != "" {
			fmt.Fprintf(&b, "%s%s\n", c, asked)
		}
	}
	return strings.TrimSpace(b.String())
}

// caughtUp waits until the records are not older than what is live.
func (w *world) caughtUp(set manifest.Set) {
	w.t.Helper()
	for _, o := range set {
		live, err := w.resource(o).Get(w.ctx, o.Key.Name, metav1.GetOptions{})
		if err != nil {
			w.t.Fatal(err)
		}
		w.await("record of "+o.Key.String(), func() bool {
			record := w.Snapshot(w.app, set)[o.Key]
			return record != nil && !olderThan(record.ResourceVersion, live.GetResourceVersion())
		})
	}
}

func (w *world) await(what string, met func() bool) {
	w.t.Helper()
	err := wait.PollUntilContextCancel(w.ctx, 5*time.Millisecond, true, func(context.Context) (bool, error) { return met(), nil })
	if err != nil {
		w.t.Fatalf("wait for %s: %v", what, err)
	}
}

// edit changes an object as another manager.
func (w *world) edit(o *manifest.Object, patch string, subresources ...string) {
	w.t.Helper()
	raw, err := yaml.YAMLToJSON([]byte(patch))
	if err != nil {
		w.t.Fatal(err)
	}
	kind := types.MergePatchType
	if strings.HasPrefix(string(raw), "[") {
		kind = types.JSONPatchType
	}
	if _, err := w.resource(o).Patch(w.ctx, o.Key.Name, kind, raw, metav1.PatchOptions{FieldManager: "hand"}, subresources...); err != nil {
		w.t.Fatalf("edit %s: %v", o.Key, err)
	}
}

func (w *world) drifts() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.drift)
}
