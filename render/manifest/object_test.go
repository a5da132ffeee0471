package manifest

import (
	"errors"
	"testing"

	"github.com/tidelock-io/tidelock/secrets"
)

func parseOne(t *testing.T, text string) *Object {
	t.Helper()
	set, err := Parse([]byte(text), Origin{File: "x.yaml"})
	if err != nil || len(set) != 1 {
		t.Fatalf("Parse(%q) = %v, %v", text, set, err)
	}
	return set[0]
}

func TestNormalise(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"what the server states",
			`{apiVersion: v1, kind: Pod, metadata: {name: a, uid: u, resourceVersion: "1", generation: 1, creationTimestamp: null, selfLink: x, managedFields: []}, status: {phase: Running}}`,
			`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}`},
		{"rules beside an aggregationRule",
			`{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: a}, aggregationRule: {clusterRoleSelectors: []}, rules: [{}]}`,
			`{"aggregationRule":{"clusterRoleSelectors":[]},"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"a"}}`},
		{"rules of others stay",
			`{apiVersion: v1, kind: X, metadata: {name: a}, aggregationRule: {}, rules: [1]}`,
			`{"aggregationRule":{},"apiVersion":"v1","kind":"X","metadata":{"name":"a"},"rules":[1]}`},
		{"what kubectl remembers",
			`{apiVersion: v1, kind: Secret, metadata: {name: a, annotations: {b: c, kubectl.kubernetes.io/last-applied-configuration: '{"data":{"k":"aHVudGVyMg=="}}'}}}`,
			`{"apiVersion":"v1","kind":"Secret","metadata":{"annotations":{"b":"c"},"name":"a"}}`},
		{"empty namespace and null label",
			`{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: "", labels: {x: null}, annotations: null}}`,
			`{"apiVersion":"v1","kind":"Pod","metadata":{"labels":{"x":""},"name":"a"}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := parseOne(t, tt.in)
			if got := string(o.JSON()); got != tt.want {
				t.Errorf("\n got %s\nwant %s", got, tt.want)
			}
			if o.Annotations[lastApplied] != "" {
				t.Error("the annotation stays beside the body")
			}
		})
	}
}

func TestSecretData(t *testing.T) {
	o := parseOne(t, `{apiVersion: v1, kind: Secret, metadata: {name: a}, data: {k: b2xk, l: bGw=, m: null}, stringData: {k: new}}`)
	for key, want := range map[string]string{"k": "new", "l": "ll", "m": ""} {
		if got := string(o.Data()[key].Reveal()); got != want {
			t.Errorf("%s = %q, want %q", key, got, want)
		}
	}
	want := `{"apiVersion":"v1","data":{"k":"bmV3","l":"bGw=","m":""},"kind":"Secret","metadata":{"name":"a"}}`
	if got := string(o.Reveal()); got != want {
		t.Errorf("Reveal\n got %s\nwant %s", got, want)
	}
}

func TestHashTellsContentApart(t *testing.T) {
	const base = `{apiVersion: v1, kind: Secret, metadata: {name: a}, stringData: {k: v}}`
	a := parseOne(t, base)
	if b := parseOne(t, `{stringData: {k: v}, kind: Secret, metadata: {name: a}, apiVersion: v1}`); a.Hash() != b.Hash() {
		t.Error("the order of keys changes the hash")
	}
	for _, other := range []string{
		`{apiVersion: v1, kind: Secret, metadata: {name: a}, stringData: {k: w}}`,
		`{apiVersion: v1, kind: Secret, metadata: {name: a}, stringData: {l: v}}`,
		`{apiVersion: v1, kind: Secret, metadata: {name: a}, stringData: {k: v}, type: x}`,
	} {
		if b := parseOne(t, other); a.Hash() == b.Hash() {
			t.Errorf("%s has the hash of %s", other, base)
		}
	}
}

func TestEdit(t *testing.T) {
	secret := parseOne(t, `{apiVersion: v1, kind: Secret, metadata: {name: a}, stringData: {k: v}}`)
	edited, err := secret.Edit(func(body map[string]any) {
		body["metadata"].(map[string]any)["labels"] = map[string]any{"x": "y"}
		body["stringData"] = map[string]any{"l": "w"}
	})
	if err != nil {
		t.Fatal(err)
	}
	if edited.Labels["x"] != "y" || string(edited.Data()["k"].Reveal()) != "v" || string(edited.Data()["l"].Reveal()) != "w" {
		t.Errorf("Edit gave %s with %v", edited.JSON(), edited.Data())
	}
	if len(secret.Labels) != 0 || len(secret.Data()) != 1 {
		t.Error("Edit changed its receiver")
	}
	if _, err := secret.Edit(func(body map[string]any) { body["kind"] = "ConfigMap" }); !errors.Is(err, ErrInvalid) {
		t.Errorf("a Secret became a ConfigMap: %v", err)
	}
	if _, err := secret.Edit(func(body map[string]any) { delete(body, "metadata") }); !errors.Is(err, ErrInvalid) {
		t.Errorf("an object without metadata: %v", err)
	}
}

func TestWithData(t *testing.T) {
	data := map[string]secrets.Value{"k": secrets.New([]byte("v"))}
	secret := parseOne(t, `{apiVersion: v1, kind: Secret, metadata: {name: a}}`)
	with, err := secret.WithData(data)
	if err != nil || string(with.Data()["k"].Reveal()) != "v" || with.Hash() == secret.Hash() {
		t.Errorf("WithData = %v, %v", with, err)
	}
	if _, err := parseOne(t, configMap("a")).WithData(data); !errors.Is(err, ErrInvalid) {
		t.Errorf("a ConfigMap holds secret data: %v", err)
	}
}
