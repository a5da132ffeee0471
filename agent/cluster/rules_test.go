package cluster

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/diff"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// The rules and traps of DRIFT.md, one by one, on a real API server. Rules 6 to
// 9 are in drift_test.go, rule 10 in ingest_test.go, too; traps 2 to 5 are
// agent/apply's, as far as they are about what applying does.

const twoContainers = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}, spec: {replicas: 0, strategy: {}, selector: {matchLabels: {app: x}},
	template: {metadata: {labels: {app: x}}, spec: {containers: [{name: a, image: a}, {name: b, image: b}], volumes: [{name: v, emptyDir: {}}]}}}}`

func TestRule1OrderCountsAndForeignFieldsDoNot(t *testing.T) {
	for _, tt := range []struct{ name, patch, want string }{
		{"the live order of owned items", `[{op: move, from: /spec/template/spec/containers/0, path: /spec/template/spec/containers/1}]`, "drift apps/Deployment ns/x*"},
		{"what another sets in an empty map of ours", `[{op: add, path: /spec/template/spec/volumes/0/emptyDir, value: {medium: Memory}}]`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			set := w.git(twoContainers)
			w.sync(set)
			w.edit(set[0], tt.patch)
			w.caughtUp(set)
			if got, want := w.verdicts(set), strings.ReplaceAll(tt.want, "ns/", w.namespace+"/"); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestRule2TheServerDecides(t *testing.T) {
	w := newWorld(t)
	set := w.git(twoContainers)
	w.sync(set)
	w.edit(set[0], `{spec: {strategy: {rollingUpdate: {maxSurge: 7}}}}`)
	w.caughtUp(set)
	if got, want := w.verdicts(set), "same apps/Deployment "+w.namespace+"/x*"; got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
	w.edit(set[0], `{spec: {replicas: 1}}`)
	w.caughtUp(set)
	if got, want := w.verdicts(set), "drift apps/Deployment "+w.namespace+"/x*"; got != want {
		t.Errorf("with the new baseline: got %q, want %q", got, want)
	}
}

func TestRule3AVerdictOutlivesStatusWrites(t *testing.T) {
	w := newWorld(t)
	set := w.git(twoContainers)
	w.sync(set)
	w.edit(set[0], `{spec: {replicas: 1}}`)
	w.caughtUp(set)
	drift := "drift apps/Deployment " + w.namespace + "/x"
	if got := w.verdicts(set); got != drift+"*" {
		t.Fatalf("got %q", got)
	}
	w.edit(set[0], `{status: {conditions: [{type: Odd, status: "True"}]}}`, "status")
	w.caughtUp(set)
	if got := w.verdicts(set); got != drift {
		t.Errorf("after a write of the status: got %q, want %q", got, drift)
	}
}

func TestRule4WhatIsDroppedAtParse(t *testing.T) {
	w := newWorld(t)
	set := w.git(`{apiVersion: v1, kind: Secret, metadata: {name: x, uid: u, resourceVersion: "1", creationTimestamp: "2020-01-01T00:00:00Z", managedFields: []}, stringData: {a: b}, status: {}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: ` + w.namespace + `}, rules: [{apiGroups: [""], resources: [pods], verbs: [get]}],
	aggregationRule: {clusterRoleSelectors: [{matchLabels: {nothing: has-this}}]}}`)
	for _, o := range set {
		for _, word := range []string{"stringData", "status", "uid", "resourceVersion", "creationTimestamp", "managedFields", "rules\":["} {
			if strings.Contains(string(o.Reveal()), `"`+word) {
				t.Errorf("%s states %s", o.Key, word)
			}
		}
	}
	w.sync(set)
	w.edit(set[1], `{rules: [{apiGroups: [""], resources: [secrets], verbs: [get]}]}`) // as its controller does
	w.caughtUp(set)
	if got := w.verdicts(set); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestRule5AnObjectThatStatesNothingHasADigest(t *testing.T) {
	w := newWorld(t)
	set := w.git(`{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}`)
	w.sync(set)
	w.caughtUp(set)
	if w.Snapshot(w.app, set)[set[0].Key].Digest == "" {
		t.Error("it has none")
	}
}

func TestRule10NoEntryIsAsked(t *testing.T) {
	w := newWorld(t)
	set := w.git(`{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {a: "1"}}`)
	w.sync(set)
	w.edit(set[0], `{metadata: {managedFields: [{}]}}`) // which drops all entries
	w.caughtUp(set)
	if got, want := w.verdicts(set), "update ConfigMap "+w.namespace+"/x*"; got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
	w.Accept(set[0], w.send(set[0]))
	if got := w.verdicts(set); got != "" {
		t.Errorf("after an apply: %q", got)
	}
}

func TestTrap1StringDataHidesNothing(t *testing.T) {
	for _, patch := range []string{`{data: {a: Mg==}}`, `{data: {a: null}}`, `{stringData: {a: other}}`} {
		w := newWorld(t)
		set := w.git(`{apiVersion: v1, kind: Secret, metadata: {name: x}, stringData: {a: "1"}}`)
		w.sync(set)
		w.edit(set[0], patch)
		w.caughtUp(set)
		if got, want := w.verdicts(set), "drift Secret "+w.namespace+"/x*"; got != want {
			t.Errorf("%s: got %q, want %q", patch, got, want)
		}
	}
}

// A renamed container leaves two: in sync by digest after an apply, and shown as
// an extra field of who renamed it.
func TestTrap2RenamedContainerIsShown(t *testing.T) {
	w := newWorld(t)
	set := w.git(twoContainers)
	w.sync(set)
	w.edit(set[0], `[{op: replace, path: /spec/template/spec/containers/1/name, value: c}]`)
	w.caughtUp(set)
	if got, want := w.verdicts(set), "drift apps/Deployment "+w.namespace+"/x*"; got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
	fields := w.fields(set[0].Key.Name)
	if want := "spec.template.spec.containers[name=b]: not there, desired"; !strings.Contains(fields, want) {
		t.Errorf("got\n%s\nwant %s", fields, want)
	}
	w.Accept(set[0], w.send(set[0]))
	w.caughtUp(set)
	if got := w.verdicts(set); got != "" {
		t.Errorf("after an apply: %q", got)
	}
	fields = w.fields(set[0].Key.Name)
	if want := "spec.template.spec.containers[name=c]: added {"; !strings.Contains(fields, want) || !strings.Contains(fields, "; by hand (Update, ") {
		t.Errorf("got\n%s\nwant %s", fields, want)
	}
}

// fields tells in what a Deployment differs from what Git states of it.
func (w *world) fields(name string) string {
	w.t.Helper()
	set := w.git(strings.Replace(twoContainers, "{name: x}", "{name: "+name+"}", 1))
	live, err := w.resource(set[0]).Get(w.ctx, name, metav1.GetOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	var lines []string
	for _, f := range diff.Fields(w.send(set[0], metav1.DryRunAll), live.Object) {
		lines = append(lines, f.String())
	}
	return strings.Join(lines, "\n")
}

func TestTrap6EmptyDataDoesNotLoop(t *testing.T) {
	w := newWorld(t)
	set := w.git(`{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {}}`)
	w.sync(set)
	for i := range 3 {
		w.edit(set[0], fmt.Sprintf(`{data: {theirs%d: x}}`, i))
		w.caughtUp(set)
		if got := w.verdicts(set); strings.Contains(got, "drift") {
			w.Accept(set[0], w.send(set[0]))
			w.caughtUp(set)
		}
		if got := w.verdicts(set); got != "" {
			t.Fatalf("after key %d: %q", i, got)
		}
	}
}

func TestTrap7NullInData(t *testing.T) {
	w := newWorld(t)
	set := w.git(`{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {a: null, b: "1"}}`)
	w.sync(set)
	w.caughtUp(set)
	if got := w.verdicts(set); got != "" {
		t.Errorf("got %q", got)
	}
	w.connect()
	if err := w.Watch(w.ctx, set[0].GVK()); err != nil {
		t.Fatal(err)
	}
	if got, want := w.verdicts(set), "same ConfigMap "+w.namespace+"/x*"; got != want {
		t.Errorf("after a restart: got %q, want %q", got, want)
	}
}

// policies mutate ConfigMaps that carry a label: on CREATE only, or on UPDATE as
// well. A label of the namespace chooses the test's own.
const policies = `{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingAdmissionPolicy, metadata: {name: NAME}, spec: {
	matchConstraints: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: NS}}, resourceRules: [{apiGroups: [""], apiVersions: [v1], resources: [configmaps], operations: [OPERATIONS]}]},
	failurePolicy: Fail, reinvocationPolicy: IfNeeded,
	mutations: [{patchType: ApplyConfiguration, applyConfiguration: {expression: 'Object{data: {"a": "mutated"}, metadata: Object.metadata{labels: {"mutated": "yes"}}}'}}]}}
---
{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingAdmissionPolicyBinding, metadata: {name: NAME}, spec: {policyName: NAME}}`

// A mutation on CREATE and UPDATE is no drift, for the dry run agrees with it; one
// that is installed later shows and converges in one apply.
func TestTrap8Mutations(t *testing.T) {
	const configMap = `{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {a: "1"}}`
	install := func(w *world, operations string) {
		text := strings.NewReplacer("NAME", w.namespace, "NS", w.namespace, "OPERATIONS", operations).Replace(policies)
		for _, o := range w.git(text) {
			w.send(o)
			w.t.Cleanup(func() {
				_ = w.resource(o).Delete(w.ctx, o.Key.Name, metav1.DeleteOptions{})
			})
		}
		probe := w.git(`{apiVersion: v1, kind: ConfigMap, metadata: {name: probe}, data: {}}`)[0]
		w.await("the policy", func() bool {
			data, _ := w.send(probe, metav1.DryRunAll)["data"].(map[string]any)
			return data["a"] == "mutated"
		})
	}
	t.Run("on CREATE and UPDATE", func(t *testing.T) {
		w := newWorld(t)
		install(w, "CREATE, UPDATE")
		set := w.git(configMap)
		w.sync(set)
		w.caughtUp(set)
		if got := w.verdicts(set); got != "" {
			t.Errorf("got %q", got)
		}
		w.connect()
		if err := w.Watch(w.ctx, set[0].GVK()); err != nil {
			t.Fatal(err)
		}
		if got, want := w.verdicts(set), "same ConfigMap "+w.namespace+"/x*"; got != want {
			t.Errorf("after a restart: got %q, want %q", got, want)
		}
	})
	t.Run("installed later", func(t *testing.T) {
		w := newWorld(t)
		set := w.git(configMap)
		w.sync(set)
		install(w, "CREATE, UPDATE")
		w.connect()
		if err := w.Watch(w.ctx, set[0].GVK()); err != nil {
			t.Fatal(err)
		}
		if got, want := w.verdicts(set), "drift ConfigMap "+w.namespace+"/x*"; got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
		w.Accept(set[0], w.send(set[0]))
		w.caughtUp(set)
		if got := w.verdicts(set); got != "" {
			t.Errorf("after one apply: %q", got)
		}
	})
	t.Run("on CREATE only, it is silent until the next apply takes it back", func(t *testing.T) {
		w := newWorld(t)
		install(w, "CREATE")
		set := w.git(configMap)
		w.sync(set)
		w.caughtUp(set)
		if got := w.verdicts(set); got != "" {
			t.Errorf("got %q", got)
		}
		w.Accept(set[0], w.send(set[0]))
		w.caughtUp(set)
		live, err := w.resource(set[0]).Get(w.ctx, "x", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if data := fmt.Sprint(live.Object["data"]); data != "map[a:1]" {
			t.Errorf("data %s", data)
		}
		if got := w.verdicts(set); got != "" {
			t.Errorf("after the next apply: %q", got)
		}
	})
}

// Kubernetes' own rules of YAML hold: an unquoted y is true, and the server says
// where that is no value.
func TestTrap9BooleansOfYAML(t *testing.T) {
	w := newWorld(t)
	set := w.git(`{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}, spec: {replicas: 0, paused: y, selector: {matchLabels: {app: x}},
		template: {metadata: {labels: {app: x}}, spec: {containers: [{name: a, image: a}]}}}}`)
	w.sync(set)
	live, err := w.resource(set[0]).Get(w.ctx, "x", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if spec := live.Object["spec"].(map[string]any); spec["paused"] != true {
		t.Errorf("paused is %v", spec["paused"])
	}
	if got := w.verdicts(set); got != "" {
		t.Errorf("got %q", got)
	}
}

// The three forms of ignoreDifferences: what they name is no drift, all else is;
// and when they change, records are judged anew, by one read of each object.
func TestIgnoreDifferences(t *testing.T) {
	for _, tt := range []struct{ name, rule, want string }{
		{"pointer", `jsonPointers: [/spec/replicas]`, ""},
		{"jq", `jqPathExpressions: ['.spec | .replicas']`, ""},
		{"manager", `managedFieldsManagers: [hand]`, "same apps/Deployment ns/x*"}, // its dry run takes the field from the manager
		{"another place", `jsonPointers: [/spec/paused]`, "drift apps/Deployment ns/x*"},
		{"another object", `name: z, jsonPointers: [/spec/replicas]`, "drift apps/Deployment ns/x*"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			f := w.faulty()
			set := w.git(twoContainers + "\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}")
			w.ignore(`[{group: apps, kind: Deployment, ` + tt.rule + `}]`)
			w.sync(set)
			w.edit(set[0], `{spec: {replicas: 1}}`, "scale")
			w.caughtUp(set)
			want := strings.ReplaceAll(tt.want, "ns/", w.namespace+"/")
			if got := w.verdicts(set); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if want = strings.TrimSuffix(want, "*"); strings.HasPrefix(want, "same") {
				want = ""
			}
			if got := w.verdicts(set); got != want {
				t.Errorf("asked again: %q", got)
			}
			reads := f.count("read")
			w.ignore(`[{group: apps, kind: Deployment, ` + tt.rule + `}]`)
			if f.count("read") != reads {
				t.Error("for the same rules objects are read again")
			}
		})
	}
}

// When rules come or go, what they are about is judged anew.
func TestIgnoreDifferencesChange(t *testing.T) {
	w := newWorld(t)
	f := w.faulty()
	set := w.git(`{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {a: "1", b: "1"}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: z}}`)
	w.sync(set)
	w.edit(set[0], `{data: {a: "2"}}`)
	w.caughtUp(set)
	drift := "drift ConfigMap " + w.namespace + "/x*"
	if got := w.verdicts(set); got != drift {
		t.Fatalf("without rules: %q", got)
	}
	reads := f.count("read")
	w.ignore(`[{kind: ConfigMap, name: x, jsonPointers: [/data/a]}]`)
	if got := f.count("read") - reads; got != 1 {
		t.Errorf("%d reads for one object", got)
	}
	if got, want := w.verdicts(set), "same ConfigMap "+w.namespace+"/x*"; got != want {
		t.Errorf("with a rule: got %q, want %q", got, want)
	}
	w.edit(set[0], `{data: {a: "3"}}`)
	w.caughtUp(set)
	if got := w.verdicts(set); got != "" {
		t.Errorf("what is ignored changes again: %q", got)
	}
	w.edit(set[0], `{data: {b: "2"}}`)
	w.caughtUp(set)
	if got := w.verdicts(set); got != drift {
		t.Errorf("what is not ignored changes: got %q, want %q", got, drift)
	}
	w.ignore(`[]`)
	if got := w.verdicts(set); !slices.Contains([]string{drift, strings.TrimSuffix(drift, "*")}, got) {
		t.Errorf("the rules gone: %q", got)
	}
}

// A CustomResourceDefinition has no tracking id: its application is known by its
// label, which is shortened if its name is long.
func TestIgnoreDifferencesByLabel(t *testing.T) {
	w := newWorld(t)
	w.app = strings.Repeat("long-", 15) + w.app
	set := w.git(`{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: labels.ignore.example.com}, spec: {group: ignore.example.com, scope: Namespaced,
		names: {kind: Label, plural: labels, categories: [all]}, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]}}`)
	w.ignore(`[{group: apiextensions.k8s.io, kind: CustomResourceDefinition, jsonPointers: [/spec/names/categories]}]`)
	w.sync(set)
	w.edit(set[0], `{spec: {names: {categories: [other]}}}`)
	w.caughtUp(set)
	if got := w.verdicts(set); got != "" {
		t.Errorf("got %q", got)
	}
	if err := w.resource(set[0]).Delete(w.ctx, set[0].Key.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}

// ignore sets the application's rules, as a pass does.
func (w *world) ignore(text string) {
	w.t.Helper()
	var rules []diff.Rule
	if err := yaml.UnmarshalStrict([]byte(text), &rules); err != nil {
		w.t.Fatal(err)
	}
	ignore, err := diff.NewIgnore(rules)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.Ignore(w.ctx, w.app, ignore); err != nil {
		w.t.Fatal(err)
	}
}
