package apply

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/cluster"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/plan"
	"github.com/tidelock-io/tidelock/cmd/testenv"
	"github.com/tidelock-io/tidelock/render/manifest"
	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"
)

// env is a real API server with its controllers, for all tests of the package.
var env *testenv.Cluster

func TestMain(m *testing.M) { testenv.Main(m, &env) }

// within bounds every test.
const within = 3 * time.Minute

// worlds counts the namespaces that tests have used.
var worlds atomic.Int64

// A world is an Application in a namespace of its own.
type world struct {
	*Applier
	t              *testing.T
	ctx            context.Context
	app, namespace string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	name := strings.ToLower(strings.NewReplacer("/", "-", "_", "-", ",", "").Replace(t.Name()))
	name = fmt.Sprintf("%s-%d", name[:min(len(name), 45)], worlds.Add(1))
	ctx, cancel := context.WithTimeout(context.Background(), within)
	t.Cleanup(cancel)
	log := slog.New(slog.DiscardHandler)
	c, err := cluster.New(env.Config, log, cluster.Listeners{Changed: func(string, bool) {}, Served: func() {}})
	if err != nil {
		t.Fatal(err)
	}
	var g errgroup.Group
	g.Go(func() error { return c.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
	})
	if err := c.Discover(ctx); err != nil {
		t.Fatal(err)
	}
	a, err := New(env.Config, c, log)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.EnsureNamespace(ctx, name, nil); err != nil {
		t.Fatal(err)
	}
	return &world{Applier: a, t: t, ctx: ctx, app: name, namespace: name}
}

// git reads manifests, and places them; they are marked as app's.
func (w *world) git(text string) manifest.Set { return w.gitOf(w.app, text) }

func (w *world) gitOf(app, text string) manifest.Set {
	w.t.Helper()
	var set manifest.Set
	for _, doc := range strings.Split(text, "\n---\n") {
		o, err := manifest.New(decode(w.t, doc), manifest.Origin{File: "a.yaml", Line: 1})
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
		id := api.TrackingID{App: app, Group: o.Key.Group, Kind: o.Key.Kind, Namespace: w.namespace, Name: o.Key.Name}
		set[i], err = o.Edit(func(body map[string]any) {
			put(body, "labels", api.LabelApp, app)
			if o.Key.Kind != "CustomResourceDefinition" {
				put(body, "annotations", api.AnnotationTrackingID, id.String())
			}
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	return set
}

func put(body map[string]any, field, name, value string) {
	meta := body["metadata"].(map[string]any)
	m, _ := meta[field].(map[string]any)
	if m == nil {
		m = map[string]any{}
	}
	m[name] = value
	meta[field] = m
}

func decode(t *testing.T, text string) map[string]any {
	t.Helper()
	raw, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	var body map[string]any
	if err := utiljson.Unmarshal(raw, &body); err != nil {
		t.Fatal(err)
	}
	return body
}

// changes compares, with the server's help.
func (w *world) changes(set manifest.Set) []diff.Change {
	w.t.Helper()
	for _, o := range set {
		if err := w.cluster.Watch(w.ctx, o.GVK()); err != nil && !errors.Is(err, cluster.ErrKind) {
			w.t.Fatal(err)
		}
	}
	changes, failed := w.Ask(w.ctx, diff.Compare(w.app, set, w.cluster.Snapshot(w.app, set)), Options{})
	for _, f := range failed {
		w.t.Logf("ask: %v", f.Err)
	}
	return changes
}

// sync makes the cluster as Git states: plan, pre-flight, waves. It returns what
// failed.
func (w *world) sync(set manifest.Set) []Result {
	w.t.Helper()
	p := plan.Build(w.changes(set), nil, plan.Policy{Prune: true, AllowEmpty: true})
	if failed := w.Preflight(w.ctx, p, Options{}); len(failed) > 0 {
		return failed
	}
	var results []Result
	for _, wave := range p.Waves {
		results = append(results, w.Wave(w.ctx, wave, Options{Sync: api.SyncOptions{api.SyncOptionPruneBackground}})...)
	}
	return Failed(results)
}

func (w *world) mustSync(set manifest.Set) {
	w.t.Helper()
	for _, f := range w.sync(set) {
		w.t.Fatal(f.Err)
	}
}

// caughtUp waits until the records are not older than what is live.
func (w *world) caughtUp(set manifest.Set) {
	w.t.Helper()
	for _, o := range set {
		version := w.live(o).GetResourceVersion()
		w.await("the record of "+o.Key.String(), func() bool {
			record := w.cluster.Snapshot(w.app, set)[o.Key]
			if record == nil {
				return false
			}
			order, err := resourceversion.CompareResourceVersion(record.ResourceVersion, version)
			return err == nil && order >= 0
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

func (w *world) resource(gvk schema.GroupVersionKind, namespace string) dynamic.ResourceInterface {
	w.t.Helper()
	kind, err := w.cluster.Kind(w.ctx, gvk)
	if err != nil {
		w.t.Fatal(err)
	}
	if kind.Namespaced {
		return env.Dynamic.Resource(kind.Resource).Namespace(namespace)
	}
	return env.Dynamic.Resource(kind.Resource)
}

func (w *world) live(o *manifest.Object) *unstructured.Unstructured {
	w.t.Helper()
	live, err := w.resource(o.GVK(), o.Key.Namespace).Get(w.ctx, o.Key.Name, metav1.GetOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	return live
}

// edit patches an object as another manager.
func (w *world) edit(o *manifest.Object, manager, patch string) {
	w.t.Helper()
	raw, err := yaml.YAMLToJSON([]byte(patch))
	if err != nil {
		w.t.Fatal(err)
	}
	kind := types.MergePatchType
	if strings.HasPrefix(string(raw), "[") {
		kind = types.JSONPatchType
	}
	if _, err := w.resource(o.GVK(), o.Key.Namespace).Patch(w.ctx, o.Key.Name, kind, raw, metav1.PatchOptions{FieldManager: manager}); err != nil {
		w.t.Fatalf("edit %s: %v", o.Key, err)
	}
}

// create makes an object as another manager, by update.
func (w *world) create(manager, text string) {
	w.t.Helper()
	u := &unstructured.Unstructured{Object: decode(w.t, text)}
	u.SetNamespace(w.namespace)
	if _, err := w.resource(u.GroupVersionKind(), w.namespace).Create(w.ctx, u, metav1.CreateOptions{FieldManager: manager}); err != nil {
		w.t.Fatal(err)
	}
}

// others lists who else owns fields of an object, but for its status.
func others(u *unstructured.Unstructured) string {
	var names []string
	for _, entry := range u.GetManagedFields() {
		if entry.Manager != diff.Manager && entry.Subresource == "" {
			names = append(names, entry.Manager+"/"+string(entry.Operation))
		}
	}
	return strings.Join(names, " ")
}
