package diff

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
	"sigs.k8s.io/yaml"
)

// Each row is a rule about the Deployment, what Git states of its spec, what is
// live of it, and what is then applied.
func TestRespect(t *testing.T) {
	const managed = `managedFields: [{manager: hpa, operation: Update, subresource: scale, apiVersion: apps/v1, fieldsV1: {f:spec: {f:replicas: {}}}},
		{manager: x, operation: Apply, apiVersion: apps/v1, fieldsV1: {f:spec: {f:list: {'k:{"id":"a"}': {.: {}, f:id: {}, f:v: {}, f:type: {}}, 'k:{"id":"b"}': {.: {}, f:id: {}, f:v: {}, f:type: {}}}}}}]`
	for _, tt := range []struct{ name, rule, git, live, want string }{
		{"1.5 RespectIgnoreDifferences: the live value is applied", `jsonPointers: [/spec/replicas]`, `{replicas: 1, paused: true}`, `{replicas: 3, paused: false}`, `{paused: true, replicas: 3}`},
		{"jq", `jqPathExpressions: [.spec.replicas]`, `{replicas: 1}`, `{replicas: 3}`, `{replicas: 3}`},
		{"1.5 managedFieldsManagers: all that the manager owns", `managedFieldsManagers: [hpa]`, `{replicas: 1}`, `{replicas: 3}`, `{replicas: 3}`},
		{"another manager", `managedFieldsManagers: [hand]`, `{replicas: 1}`, `{replicas: 3}`, `{replicas: 1}`},
		{"what Git does not state is not added", `jsonPointers: [/spec/replicas]`, `{paused: true}`, `{replicas: 3}`, `{paused: true}`},
		{"what is not live is not applied", `jsonPointers: [/spec/replicas]`, `{replicas: 1, paused: true}`, `{paused: true}`, `{paused: true}`},
		{"nor one that is missing together with its parent", `jsonPointers: [/spec/a/b]`, `{a: {b: 1, c: 2}}`, `{}`, `{a: {b: 1, c: 2}}`},
		{"1.5 RespectIgnoreDifferences: a field called status is a field", `jsonPointers: [/spec/status]`, `{status: red}`, `{status: green}`, `{status: green}`},
		{"a whole map", `jsonPointers: [/spec/a]`, `{a: {b: 1}}`, `{a: {c: 2}}`, `{a: {c: 2}}`},
		{"1.5 RespectIgnoreDifferences: list items by their merge keys", `jqPathExpressions: ['.spec.list[] | select(.id == "b") | .v']`,
			`{list: [{id: b, type: t, v: 1}, {id: a, type: t, v: 2}]}`, `{list: [{id: a, type: t, v: 8}, {id: b, type: t, v: 9}]}`,
			`{list: [{id: b, type: t, v: 9}, {id: a, type: t, v: 2}]}`},
		{"a new item has nothing to respect", `jqPathExpressions: ['.spec.list[].v']`,
			`{list: [{id: a, v: 1}, {id: c, v: 3}]}`, `{list: [{id: a, v: 8}]}`, `{list: [{id: a, v: 8}, {id: c, v: 3}]}`},
		{"not live, in an item", `jqPathExpressions: ['.spec.list[].v']`, `{list: [{id: b, v: 1}, {id: a, v: 2}]}`, `{list: [{id: a, v: 8}, {id: b}]}`, `{list: [{id: b}, {id: a, v: 8}]}`},
		{"an item that Git does not state", `jqPathExpressions: ['.spec.list[] | select(.id == "b")']`, `{list: [{id: a, v: 1}]}`, `{list: [{id: a, v: 1}, {id: b, v: 9}]}`, `{list: [{id: a, v: 1}]}`},
		{"a list without keys", `jsonPointers: [/spec/rules/1/v]`, `{rules: [{v: 1}, {v: 2}]}`, `{rules: [{v: 8}, {v: 9}]}`, `{rules: [{v: 1}, {v: 9}]}`},
		{"a list without keys that is shorter", `jsonPointers: [/spec/rules/1/v]`, `{rules: [{v: 1}]}`, `{rules: [{v: 8}, {v: 9}]}`, `{rules: [{v: 1}]}`},
		{"another type", `jsonPointers: [/spec/a/b]`, `{a: text}`, `{a: {b: 1}}`, `{a: text}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			const head = `apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop, `
			desired := objectOf(t, `{`+head+`}, spec: `+tt.git+`}`)
			live := decode(t, `{`+head+managed+`}, spec: `+tt.live+`, status: {replicas: 7}}`)
			got, err := ignoring(t, `[{group: apps, kind: Deployment, `+tt.rule+`}]`).Respect(desired, live)
			if err != nil {
				t.Fatal(err)
			}
			spec, err := json.Marshal(got.Body()["spec"])
			if err != nil {
				t.Fatal(err)
			}
			want, err := yaml.YAMLToJSON([]byte(tt.want))
			if err != nil {
				t.Fatal(err)
			}
			if string(spec) != string(want) || got.Body()["status"] != nil {
				t.Errorf("got  %s\nwant %s", spec, want)
			}
		})
	}
}

func objectOf(t *testing.T, text string) *manifest.Object {
	t.Helper()
	o, err := manifest.New(decode(t, text), manifest.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// However much is ignored, the object stays ours.
func TestRespectKeepsOurMarks(t *testing.T) {
	desired := objectOf(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: c, labels: {tidelock.io/app: shop, a: git}, annotations: {argocd.argoproj.io/tracking-id: "shop:/ConfigMap:n/c"}}}`)
	live := decode(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: c, uid: u, resourceVersion: "7", labels: {a: live}, annotations: {b: live}}}`)
	for _, pointers := range []string{"[/metadata]", "[/metadata/labels, /metadata/annotations]", "[/metadata/labels/a, /metadata/annotations/argocd.argoproj.io~1tracking-id, /metadata/labels/tidelock.io~1app]"} {
		got, err := ignoring(t, `[{kind: ConfigMap, jsonPointers: `+pointers+`}]`).Respect(desired, live)
		if err != nil {
			t.Fatal(err)
		}
		if got.Labels[api.LabelApp] != "shop" || got.Annotations[api.AnnotationTrackingID] == "" || got.Labels["a"] != "live" {
			t.Errorf("%s: %s", pointers, got.JSON())
		}
		if strings.Contains(string(got.JSON()), "resourceVersion") {
			t.Errorf("%s: what the server states is applied: %s", pointers, got.JSON())
		}
	}
}

// An item of a Secret that another rotates stays, without being shown.
func TestRespectInSecrets(t *testing.T) {
	desired := objectOf(t, `{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {rotated: git, ours: git, dropped: git}}`)
	live := decode(t, `{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {rotated: bGl2ZQ==, ours: bGl2ZQ==, other: bGl2ZQ==}}`)
	got, err := ignoring(t, `[{kind: Secret, jsonPointers: [/data/rotated, /data/other, /data/dropped]}]`).Respect(desired, live)
	if err != nil {
		t.Fatal(err)
	}
	want := objectOf(t, `{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {rotated: live, ours: git}}`)
	if got.Hash() != want.Hash() {
		t.Errorf("%v, want %v", got.Data(), want.Data())
	}
}
