package diff

import (
	"encoding/json"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"
)

// deployment is live as we applied it, with what others own beside it.
const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web}
  finalizers: [a.io/x, b.io/y]
  resourceVersion: "7"
  managedFields:
  - manager: tidelock
    operation: Apply
    apiVersion: apps/v1
    fieldsV1:
      f:metadata:
        f:labels: {f:app: {}}
        f:finalizers: {'v:"a.io/x"': {}, 'v:"b.io/y"': {}}
      f:spec:
        f:replicas: {}
        f:selector: {}
        f:template:
          f:spec:
            f:containers:
              'k:{"name":"web"}':
                .: {}
                f:name: {}
                f:image: {}
                f:resources: {f:limits: {f:cpu: {}}}
                f:ports:
                  'k:{"containerPort":80,"protocol":"TCP"}': {.: {}, f:containerPort: {}}
                  'k:{"containerPort":443,"protocol":"TCP"}': {.: {}, f:containerPort: {}}
              'k:{"name":"log"}': {.: {}, f:name: {}, f:image: {}}
            f:volumes:
              'k:{"name":"tmp"}': {.: {}, f:name: {}, f:emptyDir: {}}
  - manager: kube-controller-manager
    operation: Update
    apiVersion: apps/v1
    subresource: status
    fieldsV1: {f:status: {f:replicas: {}}}
  - manager: hand
    operation: Update
    apiVersion: apps/v1
    fieldsV1:
      f:spec:
        f:paused: {}
        f:template:
          f:spec:
            f:volumes:
              'k:{"name":"tmp"}': {f:emptyDir: {f:medium: {}}}
spec:
  replicas: 2
  paused: false
  selector: {matchLabels: {app: web}}
  template:
    spec:
      containers:
      - name: web
        image: web:1
        resources: {limits: {cpu: 100m}}
        ports: [{containerPort: 80, protocol: TCP}, {containerPort: 443, protocol: TCP}]
      - name: log
        image: log:1
      volumes:
      - name: tmp
        emptyDir: {medium: Memory}
status: {replicas: 1}
`

// Each row patches the Deployment (RFC 7396: lists are replaced whole) and says
// whether that shows in the digest.
func TestDigestShowsOwnedFieldsOnly(t *testing.T) {
	for _, tt := range []struct {
		name, patch string
		shows       bool
	}{
		{"nothing", `{}`, false},
		{"status", `{status: {replicas: 2}}`, false},
		{"resourceVersion", `{metadata: {resourceVersion: "8"}}`, false},
		{"a label of another", `{metadata: {labels: {team: a}}}`, false},
		{"a field of another", `{spec: {paused: true}}`, false},
		{"a field that nobody owns", `{spec: {minReadySeconds: 5}}`, false},
		{"deletionTimestamp", `{metadata: {deletionTimestamp: "2026-01-01T00:00:00Z"}}`, false},
		{"a number in another form", `{spec: {replicas: 2.0}}`, false},
		{"medium of our emptyDir, of another", `{spec: {template: {spec: {volumes: [{name: tmp, emptyDir: {medium: HugePages}}]}}}}`, false},
		{"a container of another, in front", `{spec: {template: {spec: {containers: [
			{name: side, image: side},
			{name: web, image: "web:1", resources: {limits: {cpu: 100m}}, ports: [{containerPort: 80, protocol: TCP}, {containerPort: 443, protocol: TCP}]},
			{name: log, image: "log:1"}]}}}}`, false},
		{"more in a container of ours", `{spec: {template: {spec: {containers: [
			{name: web, image: "web:1", tty: true, resources: {limits: {cpu: 100m, memory: 1Gi}}, ports: [{containerPort: 80, protocol: TCP}, {containerPort: 443, protocol: TCP}]},
			{name: log, image: "log:1"}]}}}}`, false},

		{"our label changed", `{metadata: {labels: {app: api}}}`, true},
		{"our label removed", `{metadata: {labels: null}}`, true},
		{"scaled", `{spec: {replicas: 3}}`, true},
		{"a field gone", `{spec: {replicas: null}}`, true},
		{"a string for a number", `{spec: {replicas: "2"}}`, true},
		{"inside a leaf that we own", `{spec: {selector: {matchLabels: {tier: x}}}}`, true},
		{"size of our emptyDir, of nobody", `{spec: {template: {spec: {volumes: [{name: tmp, emptyDir: {medium: Memory, sizeLimit: 1Gi}}]}}}}`, true},
		{"our emptyDir replaced", `{spec: {template: {spec: {volumes: [{name: tmp, hostPath: {path: /tmp}}]}}}}`, true},
		{"an item of a set gone", `{metadata: {finalizers: [a.io/x]}}`, true},
		{"order of a set", `{metadata: {finalizers: [b.io/y, a.io/x]}}`, true},
		{"an item of another in a set", `{metadata: {finalizers: [c.io/z, a.io/x, b.io/y]}}`, false},
		{"image of a container", `{spec: {template: {spec: {containers: [
			{name: web, image: "web:2", resources: {limits: {cpu: 100m}}, ports: [{containerPort: 80, protocol: TCP}, {containerPort: 443, protocol: TCP}]},
			{name: log, image: "log:1"}]}}}}`, true},
		{"order of containers", `{spec: {template: {spec: {containers: [
			{name: log, image: "log:1"},
			{name: web, image: "web:1", resources: {limits: {cpu: 100m}}, ports: [{containerPort: 80, protocol: TCP}, {containerPort: 443, protocol: TCP}]}]}}}}`, true},
		{"order of ports", `{spec: {template: {spec: {containers: [
			{name: web, image: "web:1", resources: {limits: {cpu: 100m}}, ports: [{containerPort: 443, protocol: TCP}, {containerPort: 80, protocol: TCP}]},
			{name: log, image: "log:1"}]}}}}`, true},
		{"a port edited", `{spec: {template: {spec: {containers: [
			{name: web, image: "web:1", resources: {limits: {cpu: 100m}}, ports: [{containerPort: 8080, protocol: TCP}, {containerPort: 443, protocol: TCP}]},
			{name: log, image: "log:1"}]}}}}`, true},
		{"a container gone", `{spec: {template: {spec: {containers: [
			{name: web, image: "web:1", resources: {limits: {cpu: 100m}}, ports: [{containerPort: 80, protocol: TCP}, {containerPort: 443, protocol: TCP}]}]}}}}`, true},
		{"spec gone", `{spec: null}`, true},
		{"a list is a string", `{spec: {template: {spec: {containers: none}}}}`, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before, after := digestOf(t, deployment), digestOf(t, patched(t, deployment, tt.patch))
			if got := before != after; got != tt.shows {
				t.Errorf("patch %s shows: %v, want %v", tt.patch, got, tt.shows)
			}
		})
	}
}

// What we own is part of the digest: a field that another took from us shows.
func TestDigestShowsOwnership(t *testing.T) {
	object := func(fields string) string {
		return `
apiVersion: v1
kind: ConfigMap
metadata:
  name: c
  managedFields:
  - {manager: tidelock, operation: Apply, apiVersion: v1, fieldsV1: ` + fields + `}
data: {a: "1", b: "2"}
`
	}
	both := digestOf(t, object(`{f:data: {f:a: {}, f:b: {}}}`))
	for _, other := range []string{
		`{f:data: {f:a: {}}}`, `{f:data: {.: {}, f:a: {}, f:b: {}}, f:kind: {}}`, `{f:data: {}}`, `{f:data: {f:a: {}}, f:b: {}}`,
	} {
		if digestOf(t, object(other)) == both {
			t.Errorf("owning %s digests as owning both", other)
		}
	}
}

func TestNoDigestWithoutOurEntry(t *testing.T) {
	for name, entry := range map[string]string{
		"another manager":     `{manager: kubectl, operation: Apply, apiVersion: v1, fieldsV1: {f:data: {f:a: {}}}}`,
		"ours, by update":     `{manager: tidelock, operation: Update, apiVersion: v1, fieldsV1: {f:data: {f:a: {}}}}`,
		"ours, of status":     `{manager: tidelock, operation: Apply, apiVersion: v1, subresource: status, fieldsV1: {f:data: {f:a: {}}}}`,
		"ours, other version": `{manager: tidelock, operation: Apply, apiVersion: v2, fieldsV1: {f:data: {f:a: {}}}}`,
		"no fields":           `{manager: tidelock, operation: Apply, apiVersion: v1}`,
		"no entry":            `7`,
	} {
		t.Run(name, func(t *testing.T) {
			if got := digestOf(t, "apiVersion: v1\nmetadata: {managedFields: ["+entry+"]}\ndata: {a: x}"); got != "" {
				t.Errorf("digest %q, want none", got)
			}
		})
	}
}

// Items are found however their names are written, and in a list whose items do
// not all have the same merge keys.
func TestDigestFindsItems(t *testing.T) {
	object := func(names, list string) string {
		return `
apiVersion: x/v1
metadata:
  managedFields: [{manager: tidelock, operation: Apply, apiVersion: x/v1, fieldsV1: {f:list: ` + names + `}}]
list: ` + list
	}
	for _, tt := range []struct{ name, names, list, changed string }{
		{"escaped", `{'k:{"name":"a\u003cb"}': {.: {}, f:v: {}}}`, `[{name: "a<b", v: 1}]`, `[{name: "a<b", v: 2}]`},
		{"quoted", `{'k:{"name":"a\"b"}': {.: {}, f:v: {}}}`, `[{name: 'a"b', v: 1}]`, `[{name: 'a"b', v: 2}]`},
		{"an optional key", `{'k:{"p":1}': {f:v: {}}, 'k:{"p":1,"q":"x"}': {f:v: {}}}`, `[{p: 1, v: 1}, {p: 1, q: x, v: 2}]`, `[{p: 1, v: 1}, {p: 1, q: x, v: 3}]`},
		{"a set of numbers", `{'v:1': {}, 'v:2.5': {}}`, `[1, 2.5]`, `[2.5, 1]`},
		{"a set of booleans", `{'v:true': {}}`, `[true]`, `[false]`},
		{"spaced", `{'k:{ "name" : "a" }': {f:v: {}}}`, `[{name: a, v: 1}]`, `[{name: a, v: 2}]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := digestOf(t, object(tt.names, tt.list))
			for range 10 { // maps have no order
				if got := digestOf(t, object(tt.names, tt.list)); got != want {
					t.Fatal("two digests of one object")
				}
			}
			if digestOf(t, object(tt.names, tt.changed)) == want {
				t.Errorf("%s digests as %s", tt.changed, tt.list)
			}
		})
	}
}

func TestDigestNeedsTheKey(t *testing.T) {
	object := decode(t, deployment)
	a, err := Digest([]byte("a"), "apps/v1", object)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Digest([]byte("b"), "apps/v1", object)
	if err != nil {
		t.Fatal(err)
	}
	if a == b || len(a) != 32 {
		t.Errorf("digests %q and %q under two keys", a, b)
	}
}

func TestDigestOfBrokenFields(t *testing.T) {
	object := decode(t, `
apiVersion: v1
metadata: {managedFields: [{manager: tidelock, operation: Apply, apiVersion: v1, fieldsV1: {f:list: {'k:{broken': {}}}}]}
list: [{a: b}]`)
	if got, err := Digest(nil, "v1", object); err == nil {
		t.Errorf("digest %q of fields that cannot be read", got)
	}
}

func digestOf(t *testing.T, text string) string {
	t.Helper()
	object := decode(t, text)
	got, err := Digest([]byte("key"), object["apiVersion"].(string), object)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return got
}

func decode(t testing.TB, text string) map[string]any {
	t.Helper()
	raw, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	var object map[string]any
	if err := utiljson.Unmarshal(raw, &object); err != nil {
		t.Fatal(err)
	}
	return object
}

func patched(t *testing.T, text, patch string) string {
	t.Helper()
	object, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	change, err := yaml.YAMLToJSON([]byte(patch))
	if err != nil {
		t.Fatal(err)
	}
	out, err := jsonpatch.MergePatch(object, change)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// FuzzDigest: no object makes Digest panic; equal objects digest alike; a number
// in another form and an unowned field make no difference.
func FuzzDigest(f *testing.F) {
	seed, err := yaml.YAMLToJSON([]byte(deployment))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte(`{"apiVersion":"apps/v1","a":[{"b":1.0}],"metadata":{"managedFields":[{"manager":"tidelock","operation":"Apply","apiVersion":"apps/v1","fieldsV1":{"f:a":{"k:{\"b\":1}":{".":{}}}}}]}}`))
	f.Add([]byte(`{"apiVersion":"apps/v1","a":["x",1,null],"metadata":{"managedFields":[{"manager":"tidelock","operation":"Apply","apiVersion":"apps/v1","fieldsV1":{"f:a":{"v:\"x\"":{},"v:1":{},"v:null":{}}}}]}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var object, again map[string]any
		if utiljson.Unmarshal(raw, &object) != nil || utiljson.Unmarshal(raw, &again) != nil {
			return
		}
		one, err := Digest(nil, "apps/v1", object)
		if err != nil {
			if one != "" {
				t.Fatalf("digest %q beside error %v", one, err)
			}
			return
		}
		two, _ := Digest(nil, "apps/v1", again)
		if one != two {
			t.Fatalf("two digests of one object: %s %s", one, two)
		}
		if json.Unmarshal(raw, &again) == nil { // all numbers as float64
			if three, _ := Digest(nil, "apps/v1", again); three != one && exact(object) {
				t.Fatalf("digest %s with whole numbers, %s with floats", one, three)
			}
		}
	})
}

// exact says that float64 holds all whole numbers of a value.
func exact(value any) bool {
	switch v := value.(type) {
	case int64:
		return int64(float64(v)) == v && v < 1<<53 && v > -1<<53
	case []any:
		for _, item := range v {
			if !exact(item) {
				return false
			}
		}
	case map[string]any:
		for _, item := range v {
			if !exact(item) {
				return false
			}
		}
	}
	return true
}
