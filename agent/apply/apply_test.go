package apply

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/cluster"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/plan"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const web = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: "web:1"}]}}`

func TestSyncCreatesUpdatesAndPrunes(t *testing.T) {
	w := newWorld(t)
	first := w.git(web + "\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: old}}")
	w.mustSync(first)
	w.caughtUp(first)
	second := w.git(strings.Replace(web, "web:1", "web:2", 1) + "\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: new}}")
	w.mustSync(second)
	for _, c := range w.changes(second) {
		if c.Verdict == diff.Extra {
			w.await("the end of "+c.Key.String(), func() bool { return len(w.changes(second)) == len(second) })
			continue
		}
		if c.Verdict != diff.Same {
			t.Errorf("after the sync: %s", c)
		}
	}
	containers, _, _ := unstructured.NestedSlice(w.live(second[0]).Object, "spec", "template", "spec", "containers")
	if got := containers[0].(map[string]any)["image"]; got != "web:2" {
		t.Errorf("image %v", got)
	}
	_, err := w.cluster.Get(w.ctx, first[1].GVK(), w.namespace, "old")
	if !apierrors.IsNotFound(err) {
		t.Errorf("what Git dropped: %v", err)
	}
}

// A definition and its objects, in one wave of one plan, and a second version
// of it together with the first object that needs it.
// 2.1 CRDs: are served before their instances are applied.
func TestDefinitionWithItsInstances(t *testing.T) {
	w := newWorld(t)
	one := `{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: things.apply.example.com}, spec: {group: apply.example.com, scope: Namespaced,
		names: {kind: Thing, plural: things}, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {a: {type: string}}}}}}}]}}
---
{apiVersion: apply.example.com/v1, kind: Thing, metadata: {name: x}, spec: {a: b}}`
	one = strings.ReplaceAll(one, "apply.example.com", w.app+".example.com")
	two := strings.Replace(one, "versions: [", "versions: [{name: v2, served: true, storage: false, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {a: {type: string}, more: {type: string}}}}}}}, ", 1) +
		"\n---\n{apiVersion: " + w.app + ".example.com/v2, kind: Thing, metadata: {name: y-2}, spec: {a: b, more: c}}"
	w.mustSync(w.git(one))
	set := w.git(two)
	w.mustSync(set)
	for _, c := range w.changes(set) {
		if c.Verdict != diff.Same {
			t.Errorf("after the sync: %s", c)
		}
	}
}

// A newly restarted agent does not take a default inside what we own for drift.
func TestAskAbsorbsDefaults(t *testing.T) {
	w := newWorld(t)
	set := w.git(strings.Replace(web, "replicas: 0", "replicas: 0\n  strategy: {}", 1))
	w.mustSync(set)
	w.edit(set[0], "hand", `{spec: {strategy: {rollingUpdate: {maxSurge: 7}}}}`)
	w.caughtUp(set)
	for _, c := range w.changes(set) {
		if c.Verdict != diff.Same {
			t.Errorf("%s", c)
		}
	}
	for _, c := range diff.Compare(w.app, set, w.cluster.Snapshot(w.app, set)) {
		if c.Verdict != diff.Same {
			t.Errorf("asked again: %s", c)
		}
	}
}

// What the server refuses in a dry run is not as it should be; who changed it
// decides what it is called. What it does not answer is no verdict.
func TestAskRefused(t *testing.T) {
	w := newWorld(t)
	set := w.git(web)
	w.mustSync(set)
	w.caughtUp(set)
	immutable := w.git(strings.ReplaceAll(web, "app: web", "app: other"))
	changes, failed := w.Ask(w.ctx, diff.Compare(w.app, immutable, w.cluster.Snapshot(w.app, immutable)), Options{})
	if len(failed) != 1 || !errors.Is(failed[0].Err, ErrRejected) || changes[0].Verdict != diff.Update {
		t.Errorf("%v, failed %v", changes, failed)
	}
	if text := failed[0].Err.Error(); !strings.Contains(text, "a.yaml:1") || !strings.Contains(text, "immutable") {
		t.Errorf("error %q names neither file nor reason", text)
	}
}

// A port whose number was edited is a new item, beside which ours cannot be
// applied (DRIFT.md, trap 2).
func TestEditedMergeKey(t *testing.T) {
	w := newWorld(t)
	set := w.git(`{apiVersion: v1, kind: Service, metadata: {name: x}, spec: {selector: {app: x}, ports: [{name: http, port: 80}, {name: more, port: 81}]}}`)
	w.mustSync(set)
	w.edit(set[0], "kubectl-edit", `[{op: replace, path: /spec/ports/0/port, value: 8080}]`)
	w.caughtUp(set)
	if c := w.changes(set)[0]; c.Verdict != diff.Drift {
		t.Fatalf("edited: %s", c)
	}
	w.mustSync(set)
	ports, _, _ := unstructured.NestedSlice(w.live(set[0]).Object, "spec", "ports")
	if len(ports) != 2 || ports[0].(map[string]any)["port"] != int64(80) {
		t.Errorf("ports %v", ports)
	}
}

// What came by kubectl apply becomes ours as a whole: what Git drops goes, and
// so does the copy of the object in its annotations (DRIFT.md, trap 3).
// 1.6 ClientSideApplyMigration: what was applied by others before becomes ours.
func TestAdoption(t *testing.T) {
	const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"
	mine := `{apiVersion: v1, kind: Secret, metadata: {name: x, annotations: {kept: a}}, stringData: {a: "1"}}`
	for _, tt := range []struct{ name, git, manager, annotations, others string }{
		{"kubectl apply", mine, "kubectl-client-side-apply", lastApplied + ": '{}'", ""},
		{"kubectl create", mine, "kubectl-create", "z: z", "kubectl-create/Update"},
		{"Argo CD", mine, "argocd-controller", "argocd.argoproj.io/tracking-id: 'APP:/Secret:APP/x'", ""},
		{"Argo CD, by a client-side apply", mine, "argocd-controller", "argocd.argoproj.io/tracking-id: 'APP:/Secret:APP/x', " + lastApplied + ": '{}'", ""},
		{"Argo CD, which tracks by labels", mine, "argocd-controller", lastApplied + ": '{}'", ""},
		{"Argo CD, server-side, which tracks by labels", mine, "argocd-controller", "z: z", ""},
		{"migration forbidden", strings.Replace(mine, "kept: a", "argocd.argoproj.io/sync-options: ClientSideApplyMigration=false", 1),
			"kubectl-client-side-apply", lastApplied + ": '{}'", "kubectl-client-side-apply/Update"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			annotations := strings.ReplaceAll(tt.annotations, "APP", w.app)
			w.create(tt.manager, `{apiVersion: v1, kind: Secret, metadata: {name: x, annotations: {`+annotations+`}}, stringData: {a: "1", b: "2"}}`)
			set := w.git(tt.git)
			w.mustSync(set)
			live := w.live(set[0])
			if got := others(live); got != tt.others {
				t.Errorf("others: %q, want %q", got, tt.others)
			}
			data, _, _ := unstructured.NestedMap(live.Object, "data")
			if _, kept := data["b"]; kept != (tt.others != "") {
				t.Errorf("data that Git does not state is kept: %v", kept)
			}
			if _, kept := live.GetAnnotations()[lastApplied]; kept && tt.others == "" {
				t.Error("the copy of the Secret in its annotations is still there")
			}
			w.caughtUp(set)
			if c := w.changes(set)[0]; c.Verdict != diff.Same {
				t.Errorf("after the sync: %s", c)
			}
		})
	}
}

func TestAdoptionFromArgoCDsServerSideApply(t *testing.T) {
	w := newWorld(t)
	set := w.git(`{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {a: "1"}}`)
	theirs := &unstructured.Unstructured{Object: decode(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: x, annotations: {argocd.argoproj.io/tracking-id: "`+
		set[0].Annotations[api.AnnotationTrackingID]+`"}}, data: {a: "1", b: "2"}}`)}
	if _, err := w.resource(set[0].GVK(), w.namespace).Apply(w.ctx, "x", theirs, metav1.ApplyOptions{FieldManager: "argocd-controller"}); err != nil {
		t.Fatal(err)
	}
	w.mustSync(set)
	live := w.live(set[0])
	if data, _, _ := unstructured.NestedMap(live.Object, "data"); len(data) != 1 || others(live) != "" {
		t.Errorf("data %v, others %q", data, others(live))
	}
}

// What another application tracks is refused before anything is applied, even if
// no watch of ours shows it.
func TestForeignObject(t *testing.T) {
	w := newWorld(t)
	w.create("someone", `{apiVersion: v1, kind: ConfigMap, metadata: {name: x, annotations: {argocd.argoproj.io/tracking-id: "other:/ConfigMap:`+w.namespace+`/x"}}, data: {a: theirs}}`)
	set := w.git(`{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {a: ours}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: z}}`)
	failed := w.sync(set)
	if len(failed) != 1 || !errors.Is(failed[0].Err, ErrForeign) || !strings.Contains(failed[0].Message, "other tracks it") {
		t.Fatalf("failed: %v", failed)
	}
	if data, _, _ := unstructured.NestedString(w.live(set[0]).Object, "data", "a"); data != "theirs" {
		t.Errorf("data %q", data)
	}
	if _, err := w.cluster.Get(w.ctx, set[1].GVK(), w.namespace, "z"); !apierrors.IsNotFound(err) {
		t.Errorf("something was applied: %v", err)
	}

	// one whose marks were copied onto it is nobody's
	w.create("someone", `{apiVersion: v1, kind: ConfigMap, metadata: {name: w, annotations: {argocd.argoproj.io/tracking-id: "other:/ConfigMap:`+w.namespace+`/x"}}}`)
	w.mustSync(w.git(`{apiVersion: v1, kind: ConfigMap, metadata: {name: w}}`))

	// one that a watch shows is left alone, and no failure
	seen := w.gitOf("third", `{apiVersion: v1, kind: ConfigMap, metadata: {name: v}, data: {a: theirs}}`)
	w.create("someone", string(seen[0].JSON()))
	mine := w.git(`{apiVersion: v1, kind: ConfigMap, metadata: {name: v}, data: {a: ours}}`)
	w.await("the record", func() bool { return w.cluster.Snapshot(w.app, mine)[mine[0].Key] != nil })
	if c := w.changes(mine)[0]; c.Verdict != diff.Foreign {
		t.Errorf("%s", c)
	}
	w.mustSync(mine)
	if data, _, _ := unstructured.NestedString(w.live(mine[0]).Object, "data", "a"); data != "theirs" {
		t.Errorf("data %q", data)
	}
}

// A prune deletes the object that the plan saw, not its successor.
func TestPrunePrecondition(t *testing.T) {
	w := newWorld(t)
	set := w.git(`{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}`)
	w.mustSync(set)
	w.caughtUp(set)
	changes := w.changes(nil)
	if len(changes) != 1 || changes[0].Verdict != diff.Extra {
		t.Fatalf("changes %v", changes)
	}
	configMaps := w.resource(set[0].GVK(), w.namespace)
	if err := configMaps.Delete(w.ctx, "x", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	w.create("someone", `{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}`)
	for range 2 {
		for _, r := range w.Delete(w.ctx, changes, metav1.DeletePropagationForeground) {
			if r.Err != nil || r.Code != api.ResultPruned {
				t.Errorf("%+v", r)
			}
		}
		if got := w.live(set[0]).GetUID(); string(got) == changes[0].Live.UID {
			t.Errorf("uid %s", got)
		}
	}
	if err := configMaps.Delete(w.ctx, "x", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if failed := Failed(w.Delete(w.ctx, changes, metav1.DeletePropagationForeground)); len(failed) > 0 {
		t.Errorf("of an object that is gone: %v", failed)
	}
}

// The server quotes what it refuses. Of a Secret nothing of that gets out.
func TestRejectedSecretIsNotQuoted(t *testing.T) {
	const canary = "hunter2-4f1d"
	for _, tt := range []struct{ name, before, git, want string }{
		{"immutable", `{apiVersion: v1, kind: Secret, immutable: true, metadata: {name: fixed}, stringData: {a: "1"}}`,
			`{apiVersion: v1, kind: Secret, immutable: true, metadata: {name: fixed}, stringData: {a: CANARY}}`, "Invalid: data FieldValueForbidden"},
		{"type", `{apiVersion: v1, kind: Secret, type: Opaque, metadata: {name: typed}, stringData: {a: "1"}}`, `{apiVersion: v1, kind: Secret, type: example.com/other, metadata: {name: typed}, stringData: {a: CANARY}}`, "Invalid: type FieldValueInvalid"},
		{"no docker config", "", `{apiVersion: v1, kind: Secret, type: kubernetes.io/dockerconfigjson, metadata: {name: docker}, stringData: {.dockerconfigjson: CANARY}}`, "Invalid: data[.dockerconfigjson] FieldValueInvalid"},
		{"bad key", "", `{apiVersion: v1, kind: Secret, metadata: {name: key}, stringData: {"a/b": CANARY}}`, "Invalid: data[a/b] FieldValueInvalid"},
		{"unknown field", "", `{apiVersion: v1, kind: Secret, metadata: {name: field}, nonsense: CANARY, stringData: {a: CANARY}}`, "the message is withheld"},
		{"no such namespace", "", `{apiVersion: v1, kind: Secret, metadata: {name: x, namespace: nowhere-at-all}, stringData: {a: CANARY}}`, "NotFound: namespaces nowhere-at-all"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			if tt.before != "" {
				w.mustSync(w.git(tt.before))
			}
			failed := w.sync(w.git(strings.ReplaceAll(tt.git, "CANARY", canary)))
			if len(failed) != 1 || !errors.Is(failed[0].Err, ErrRejected) {
				t.Fatalf("failed: %v", failed)
			}
			for _, text := range []string{failed[0].Err.Error(), failed[0].Message} {
				if strings.Contains(text, canary) || strings.Contains(text, "aHVudGVyM") {
					t.Errorf("the secret is in %q", text)
				}
				if !strings.Contains(text, tt.want) {
					t.Errorf("%q lacks %q", text, tt.want)
				}
			}
		})
	}
}

// Of anything else the server's own words are the best.
func TestRejectedObjectIsQuoted(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct{ git, want string }{
		{`{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {a/b: c}}`, `data[a/b]: Invalid value`},
		{`{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, dat: {a: c}}`, `.dat: field not declared in schema`},
		{`{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: nowhere-at-all}}`, `namespaces "nowhere-at-all" not found`},
	} {
		failed := w.sync(w.git(tt.git))
		if len(failed) != 1 || !strings.Contains(failed[0].Message, tt.want) || !strings.HasPrefix(failed[0].Err.Error(), "a.yaml:1: ConfigMap ") {
			t.Errorf("%s: failed %v, want %q", tt.git, failed, tt.want)
		}
	}
}

func TestUnknownKindAndNoNamespace(t *testing.T) {
	w := newWorld(t)
	failed := w.sync(w.git(`{apiVersion: no.such/v1, kind: Thing, metadata: {name: x}}`))
	if len(failed) != 1 || !errors.Is(failed[0].Err, cluster.ErrKind) {
		t.Errorf("unknown kind: %v", failed)
	}
	w.namespace = ""
	failed = w.sync(w.git(`{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}`))
	if len(failed) != 1 || !errors.Is(failed[0].Err, ErrNamespace) {
		t.Errorf("no namespace: %v", failed)
	}
}

// 2.1 step 7: a failing group does not stop later groups of the same wave, nor its
// own members; what is pruned goes first.
func TestFailingGroup(t *testing.T) {
	w := newWorld(t)
	w.mustSync(w.git(`{apiVersion: v1, kind: ConfigMap, metadata: {name: old}}`))
	set := w.git(`{apiVersion: v1, kind: Secret, metadata: {name: bad}, stringData: {a/b: c}}
---
{apiVersion: v1, kind: Secret, metadata: {name: good}, stringData: {a: b}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: after}}`)
	p := plan.Build(w.changes(set), nil, plan.Policy{Prune: true})
	var got []string
	for _, r := range w.Wave(w.ctx, p.Waves[0], Options{}) {
		got = append(got, r.Key.Name+" "+string(r.Code))
	}
	if want := []string{"old Pruned", "bad SyncFailed", "good Synced", "after Synced"}; len(p.Waves) != 1 || !slices.Equal(got, want) {
		t.Errorf("%d waves, got %q, want %q", len(p.Waves), got, want)
	}
	if w.live(set[1]) == nil || w.live(set[2]) == nil {
		t.Error("what was applied is not there")
	}
}

// Objects in a namespace that the plan makes are applied without a dry run.
func TestNamespaceOfThePlan(t *testing.T) {
	w := newWorld(t)
	name := w.namespace + "-2"
	w.mustSync(w.git(`{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: ` + name + `}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: ` + name + `}}`))
}

func TestEnsureNamespace(t *testing.T) {
	w := newWorld(t)
	namespaces := schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}
	name := w.namespace + "-2"
	for range 2 {
		if err := w.EnsureNamespace(w.ctx, name, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.EnsureNamespace(w.ctx, "", nil); err != nil {
		t.Errorf("no name: %v", err)
	}
	labels := func() string {
		u, err := w.resource(namespaces, "").Get(w.ctx, name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return u.GetLabels()["a"] + u.GetLabels()["b"] + u.GetAnnotations()["c"]
	}
	for _, tt := range []struct {
		metadata api.ManagedNamespaceMetadata
		want     string
	}{
		{api.ManagedNamespaceMetadata{Labels: map[string]string{"a": "1", "b": "2"}, Annotations: map[string]string{"c": "3"}}, "123"},
		{api.ManagedNamespaceMetadata{Labels: map[string]string{"a": "4"}}, "4"},
		{api.ManagedNamespaceMetadata{}, ""},
	} {
		if err := w.EnsureNamespace(w.ctx, name, &tt.metadata); err != nil {
			t.Fatal(err)
		}
		if got := labels(); got != tt.want {
			t.Errorf("%+v: got %q, want %q", tt.metadata, got, tt.want)
		}
	}

	// an application that states the Namespace is not disturbed by one that only labels it
	set := w.git(`{apiVersion: v1, kind: Namespace, metadata: {name: ` + name + `, labels: {b: git}}}`)
	w.mustSync(set)
	if err := w.EnsureNamespace(w.ctx, name, &api.ManagedNamespaceMetadata{Labels: map[string]string{"a": "1"}}); err != nil {
		t.Fatal(err)
	}
	w.caughtUp(set)
	if c := w.changes(set)[0]; c.Verdict != diff.Same || labels() != "1git" {
		t.Errorf("%s, labels %q", c, labels())
	}
}

// A failing group does not stop the later ones of its wave.
func TestWaveGoesOnAfterAFailure(t *testing.T) {
	w := newWorld(t)
	set := w.git(`{apiVersion: v1, kind: ConfigMap, metadata: {name: bad}, data: {a/b: c}}
---
{apiVersion: v1, kind: Service, metadata: {name: good}, spec: {ports: [{port: 80}]}}`)
	p := plan.Build(w.changes(set), nil, plan.Policy{})
	results := w.Wave(w.ctx, p.Waves[0], Options{Sync: api.SyncOptions{api.SyncOptionPruneBackground}})
	if len(results) != 2 || results[0].Err == nil || results[1].Err != nil || results[1].Message != "Service created" {
		t.Errorf("results %+v", results)
	}
}
