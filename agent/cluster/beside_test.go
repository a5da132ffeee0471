package cluster

import (
	"testing"

	"github.com/tidelock-io/tidelock/render/manifest"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// Whose an object is, by the marks of another agent (SEMANTICS.md 2.4).
func TestBeside(t *testing.T) {
	annotation, label := Tracking{Annotation: true}, Tracking{Label: "app.kubernetes.io/instance"}
	both := Tracking{Annotation: true, Label: "app.kubernetes.io/instance"}
	const expected = "expecting"
	for _, tt := range []struct {
		name         string
		by           Tracking
		installation string
		meta         string
		want         string
	}{
		{"by annotation", annotation, "", `annotations: {argocd.argoproj.io/tracking-id: "shop:apps/Deployment:shop/web"}`, "shop"},
		{"copied from another object", annotation, "", `annotations: {argocd.argoproj.io/tracking-id: "shop:apps/Deployment:shop/api"}`, ""},
		{"no tracking id", annotation, "", `annotations: {argocd.argoproj.io/tracking-id: nonsense}`, ""},
		{"a label of a chart counts for nothing beside annotations", annotation, "", `labels: {app.kubernetes.io/instance: chart}`, expected},
		{"no mark, and stated", annotation, "", ``, expected},
		{"no mark, stated, and another object's own", annotation, "", `ownerReferences: [{apiVersion: v1, kind: X, name: x, uid: u}]`, ""},
		{"another installation's", annotation, "east", `annotations: {argocd.argoproj.io/tracking-id: "shop:apps/Deployment:shop/web", argocd.argoproj.io/installation-id: west}`, ""},
		{"this installation's", annotation, "east", `annotations: {argocd.argoproj.io/tracking-id: "shop:apps/Deployment:shop/web", argocd.argoproj.io/installation-id: east}`, "shop"},
		{"by label", label, "", `labels: {app.kubernetes.io/instance: shop}`, "shop"},
		{"by label, and annotations count for nothing", label, "", `{labels: {app.kubernetes.io/instance: shop}, annotations: {argocd.argoproj.io/tracking-id: "other:apps/Deployment:shop/web"}}`, "shop"},
		{"a child that copied the label", label, "", `{labels: {app.kubernetes.io/instance: shop}, ownerReferences: [{apiVersion: v1, kind: X, name: x, uid: u}]}`, ""},
		{"by both, the annotation counts", both, "", `{labels: {app.kubernetes.io/instance: short}, annotations: {argocd.argoproj.io/tracking-id: "shop:apps/Deployment:shop/web"}}`, "shop"},
		{"our own marks count for nothing", annotation, "", `labels: {tidelock.io/app: ours}`, expected},
	} {
		t.Run(tt.name, func(t *testing.T) {
			key := manifest.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}
			c := &Cluster{rules: Rules{Beside: tt.by, Installation: tt.installation}, expected: map[manifest.Key]string{key: expected}}
			meta := map[string]any{}
			if err := yaml.Unmarshal([]byte(tt.meta), &meta); err != nil {
				t.Fatal(err)
			}
			if got := c.owner(key, &unstructured.Unstructured{Object: map[string]any{"metadata": meta}}); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if c.selector() != "" {
				t.Errorf("watches select %q", c.selector())
			}
		})
	}
}

// Only what is new is read, and what is expected no more; what others expect is theirs.
func TestExpect(t *testing.T) {
	object := func(name string) *manifest.Object {
		o, err := manifest.New(map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": name, "namespace": "shop"}}, manifest.Origin{})
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	a, b := object("a"), object("b")
	c := &Cluster{expected: map[manifest.Key]string{}}
	if got := c.newlyExpected("shop", manifest.Set{a, b}); len(got) != 2 || got[a.Key] != "v1" {
		t.Errorf("first: %v", got)
	}
	if got := c.newlyExpected("shop", manifest.Set{a, b}); len(got) != 0 {
		t.Errorf("again: %v", got)
	}
	hook, err := manifest.New(map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"generateName": "hook-", "namespace": "shop"}}, manifest.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.newlyExpected("shop", manifest.Set{a, b, hook}); len(got) != 0 || len(c.expected) != 2 {
		t.Errorf("one whose name the server makes up: %v, %v", got, c.expected)
	}
	if got := c.newlyExpected("other", manifest.Set{a}); len(got) != 0 || c.expected[a.Key] != "shop" {
		t.Errorf("another's: %v, %v", got, c.expected)
	}
	if got := c.newlyExpected("shop", manifest.Set{a}); len(got) != 0 || len(c.expected) != 1 {
		t.Errorf("gone, and never there: %v, %v", got, c.expected)
	}
	c.Forget("shop")
	if len(c.expected) != 0 {
		t.Errorf("forgotten: %v", c.expected)
	}
}
