package diff

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/render/manifest"
)

// edited is live after others have had their hands on it: "hand" scaled it, set
// the image, added a container and a variable; "hpa" came later, by the scale
// subresource.
const edited = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  resourceVersion: "9"
  labels: {app: web}
  annotations: {example.com/note: theirs}
  managedFields:
  - manager: tidelock
    operation: Apply
    apiVersion: apps/v1
    time: "2026-11-24T08:00:00Z"
    fieldsV1:
      f:metadata: {f:labels: {f:app: {}}}
      f:spec:
        f:selector: {}
        f:template: {f:spec: {f:containers: {'k:{"name":"web"}': {
          .: {}, f:name: {}, f:args: {}, f:env: {'k:{"name":"A"}': {.: {}, f:name: {}, f:value: {}}}}}}}
  - manager: hand
    operation: Update
    apiVersion: apps/v1
    time: "2026-11-24T09:00:00Z"
    fieldsV1:
      f:metadata: {f:annotations: {f:example.com/note: {}}}
      f:spec:
        f:replicas: {}
        f:template: {f:spec: {f:containers: {
          'k:{"name":"web"}': {f:image: {}, f:tty: {}, f:env: {'k:{"name":"B"}': {.: {}, f:name: {}, f:value: {}}}},
          'k:{"name":"side"}': {.: {}, f:name: {}, f:image: {}}}}}
  - manager: hpa
    operation: Update
    subresource: scale
    apiVersion: apps/v1
    time: "2026-11-24T10:00:00Z"
    fieldsV1: {f:spec: {f:replicas: {}}}
spec:
  replicas: 5
  selector: {matchLabels: {app: web}}
  template:
    spec:
      containers:
      - {name: web, image: "web:hand", tty: true, args: [a, b], env: [{name: A, value: "1"}, {name: B, value: "2"}]}
      - {name: side, image: side}
status: {replicas: 5}
`

// Each row patches the live object into the one that applying would make
// (RFC 7396: lists are replaced whole), and lists the fields.
func TestFields(t *testing.T) {
	const (
		theirs = `spec.template.spec.containers[name=web].env[name=B]: added {"name":"B","value":"2"}; by hand (Update, 2026-11-24T09:00:00Z)
spec.template.spec.containers[name=web].image: added "web:hand"; by hand (Update, 2026-11-24T09:00:00Z)
spec.template.spec.containers[name=web].tty: added true; by hand (Update, 2026-11-24T09:00:00Z)
spec.template.spec.containers[name=side]: added {"image":"side","name":"side"}; by hand (Update, 2026-11-24T09:00:00Z)`
		rest = `tty: true, args: [a, b], env: [{name: A, value: "1"}, {name: B, value: "2"}]`
	)
	for _, tt := range []struct{ name, patch, want string }{
		{"what others added to our lists (DRIFT.md trap 2)", `{}`, theirs},
		{"what the server keeps", `{metadata: {resourceVersion: "7", generation: 3, managedFields: null}, status: null}`, theirs},
		{"a number in another form", `{spec: {replicas: 5.0}}`, theirs},
		{"the last of two who wrote it", `{spec: {replicas: 2}}`,
			"spec.replicas: live 5, desired 2; by hpa (Update of scale, 2026-11-24T10:00:00Z)\n" + theirs},
		{"in a list item", `{spec: {template: {spec: {containers: [{name: web, image: "web:git", ` + rest + `}, {name: side, image: side}]}}}}`,
			`spec.template.spec.containers[name=web].image: live "web:hand", desired "web:git"; by hand (Update, 2026-11-24T09:00:00Z)` + "\n" +
				strings.Join(append(strings.Split(theirs, "\n")[:1], strings.Split(theirs, "\n")[2:]...), "\n")},
		{"a list that is owned as a whole", `{spec: {template: {spec: {containers: [{name: web, image: "web:hand", tty: true, args: [c], env: [{name: A, value: "1"}, {name: B, value: "2"}]}, {name: side, image: side}]}}}}`,
			`spec.template.spec.containers[name=web].args: live ["a","b"], desired ["c"]; by tidelock (Apply, 2026-11-24T08:00:00Z)` + "\n" + theirs},
		{"gone and to come back", `{metadata: {labels: {tier: x}}}`, `metadata.labels.tier: not there, desired "x"` + "\n" + theirs},
		{"dropped by Git", `{metadata: {labels: null}}`,
			`metadata.labels: live {"app":"web"}, not desired; by tidelock (Apply, 2026-11-24T08:00:00Z)` + "\n" + theirs},
		{"a name that needs quotes", `{metadata: {annotations: {example.com/note: "1"}}}`,
			`metadata.annotations["example.com/note"]: live "theirs", desired "1"; by hand (Update, 2026-11-24T09:00:00Z)` + "\n" + theirs},
		{"an item to come and one to go", `{spec: {template: {spec: {containers: [{name: web, image: "web:hand", ` + rest + `}, {name: log, image: log}]}}}}`,
			`spec.template.spec.containers[name=side]: live {"image":"side","name":"side"}, not desired; by hand (Update, 2026-11-24T09:00:00Z)
spec.template.spec.containers[name=log]: not there, desired {"image":"log","name":"log"}
` + strings.Join(strings.Split(theirs, "\n")[:3], "\n")},
		{"another order", `{spec: {template: {spec: {containers: [{name: side, image: side}, {name: web, image: "web:hand", ` + rest + `}]}}}}`,
			`spec.template.spec.containers: live order [name=web][name=side], desired order [name=side][name=web]; by hand (Update, 2026-11-24T09:00:00Z)` + "\n" + theirs},
		{"a map is a text", `{spec: {selector: none}}`, `spec.selector: live {"matchLabels":{"app":"web"}}, desired "none"; by tidelock (Apply, 2026-11-24T08:00:00Z)` + "\n" + theirs},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := fieldsText(Fields(decode(t, patched(t, edited, tt.patch)), decode(t, edited)))
			if got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func fieldsText(fields []Field) string {
	var lines []string
	for _, f := range fields {
		lines = append(lines, f.String())
	}
	return strings.Join(lines, "\n")
}

func TestFieldsOfAListWithoutKeys(t *testing.T) {
	role := func(verbs string) map[string]any {
		return decode(t, `{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: r}, rules: [{resources: [pods], verbs: [`+verbs+`]}]}`)
	}
	if got, want := fieldsText(Fields(role("get"), role("get, list"))), `rules[0].verbs: live ["get","list"], desired ["get"]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	longer := role("get")
	longer["rules"] = append(longer["rules"].([]any), map[string]any{})
	if got := fieldsText(Fields(longer, role("get"))); !strings.HasPrefix(got, "rules: live [{") {
		t.Errorf("lists of different length: %s", got)
	}
}

// No value of a Secret is shown, and none that kubectl keeps of it; that it
// differs is.
func TestFieldsHideSecrets(t *testing.T) {
	secret := func(a, b string) map[string]any {
		return decode(t, `{apiVersion: v1, kind: Secret, metadata: {name: s, annotations: {`+lastApplied+`: '{"stringData":{"a":"`+a+`"}}'}},
			data: {a: `+a+`, same: aHVudGVyMg==, broken: "hunter2 `+a+`"}, stringData: {b: `+b+`}, type: Opaque}`)
	}
	got := fieldsText(Fields(secret("aHVudGVyMw==", "hunter4"), secret("aHVudGVyMg==", "hunter2")))
	for _, word := range []string{"hunter", "aHVu"} {
		if strings.Contains(got, word) {
			t.Errorf("%q is shown:\n%s", word, got)
		}
	}
	for _, path := range []string{"data.a: live \"(hidden ", "data.broken: live", "stringData.b: live", "metadata.annotations[\"" + lastApplied} {
		if !strings.Contains(got, path) {
			t.Errorf("%q is not named:\n%s", path, got)
		}
	}
	if strings.Contains(got, "same") {
		t.Errorf("what is equal is listed:\n%s", got)
	}
	bare := decode(t, `{apiVersion: v1, kind: Secret, metadata: {name: s}, data: hunter2}`)
	if got := fieldsText(Fields(decode(t, `{apiVersion: v1, kind: Secret, metadata: {name: s}}`), bare)); strings.Contains(got, "hunter") {
		t.Errorf("a Secret that is none: %s", got)
	}
}

func TestFieldsAreBounded(t *testing.T) {
	live := map[string]any{"big": strings.Repeat("ä", 10_000), "trick": "a\u202eb\x1b[2J"}
	for i := range 500 {
		live[fmt.Sprintf("f%03d", i)] = "x"
	}
	fields := Fields(map[string]any{}, live)
	if got, want := len(fields), maxFields+1; got != want {
		t.Fatalf("%d fields, want %d", got, want)
	}
	if got, want := fields[maxFields].String(), "and 402 more fields"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if n := len(fields[0].Live); n > maxShown+len("…") {
		t.Errorf("a value of %d bytes is shown", n)
	}
	if got := fieldsText(Fields(map[string]any{}, map[string]any{"trick": "a\u202eb\x1b[2J"})); strings.ContainsAny(got, "\u202e\x1b") {
		t.Errorf("a terminal is tricked: %q", got)
	}
}

// What is ignored is no field, wherever it stands in a list.
func TestFieldsWithoutWhatIsIgnored(t *testing.T) {
	live := decode(t, edited)
	desired := decode(t, patched(t, edited, `{spec: {replicas: 2, paused: true, template: {spec: {containers: [{name: web, image: "web:git", tty: true, args: [a, b], env: [{name: A, value: "1"}]}]}}}}`))
	ignore := ignoring(t, `[{group: apps, kind: Deployment, jsonPointers: [/spec/paused], managedFieldsManagers: [hand, hpa]}]`)
	key := manifest.Key{Group: "apps", Kind: "Deployment", Name: "web"}
	if got := fieldsText(ignore.Fields(key, desired, live)); got != "" {
		t.Errorf("got\n%s", got)
	}
	key.Kind = "StatefulSet"
	if got := ignore.Fields(key, desired, live); len(got) == 0 {
		t.Error("a rule about Deployments is about all")
	}
}
