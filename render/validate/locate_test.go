package validate

import (
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/render/manifest"
)

const kustomization = `resources: [web.yaml]
patches:
- patch: |-
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      replicas: two
- target: {kind: Deployment, name: web}
  patch: |-
    - op: add
      path: /spec/template/spec/containers/0/imagePullPolicy
      value: Allways
    - op: add
      path: /metadata/labels/a~1b
      value: "c d"
- path: ops.yaml
  target: {kind: Deployment}
`

const web = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  template:
    spec:
      containers:
      - name: web
        image: a
`

const ops = `- op: add
  path: /spec/template/spec/containers/-
  value:
    name: side
    imag: b
`

// A problem is placed where the very value is written: in a base, a patch of any
// kind, or a template.
func TestLocate(t *testing.T) {
	files := map[string]string{
		"kustomization.yaml": kustomization, "web.yaml": web, "ops.yaml": ops,
		"template.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ .Name }}\nspec:\n  replicas: {{ .Replicas }}\n",
	}
	body := func() map[string]any {
		return map[string]any{
			"apiVersion": "apps/v1", "kind": "Deployment",
			"metadata": map[string]any{"name": "web", "labels": map[string]any{"a/b": "c d"}},
			"spec": map[string]any{"replicas": "two", "template": map[string]any{"spec": map[string]any{"containers": []any{
				map[string]any{"name": "web", "image": "a", "imagePullPolicy": "Allways"},
				map[string]any{"name": "side", "imag": "b"},
			}}}},
		}
	}
	for _, tt := range []struct{ origin, path, want string }{
		{"web.yaml", "spec.replicas", "kustomization.yaml:8"},
		{"web.yaml", "spec.template.spec.containers[0].imagePullPolicy", "kustomization.yaml:13"},
		{"web.yaml", "metadata.labels[a/b]", "kustomization.yaml:16"},
		{"web.yaml", "spec.template.spec.containers[1].imag", "ops.yaml:5"},
		{"web.yaml", "spec.template.spec.containers[0].image", "web.yaml:10"},
		{"web.yaml", "spec.template.spec.containers[0].ports[0].name", "web.yaml:9"},
		{"web.yaml", "spec.selector", "web.yaml:4"},
		{"web.yaml", "", "web.yaml:1"},
		{"template.yaml", "spec.replicas", "template.yaml:6"},
		{"template.yaml", "spec.paused", "template.yaml:5"},
		{"gone.yaml", "spec.replicas", "kustomization.yaml:8"},
	} {
		o, err := manifest.New(body(), manifest.Origin{File: tt.origin, Line: 1})
		if err != nil {
			t.Fatal(err)
		}
		locator := NewLocator(func(name string) ([]byte, error) { return []byte(files[name]), nil })
		others := []string{"kustomization.yaml", "web.yaml", "ops.yaml"}
		if strings.HasPrefix(tt.origin, "template") {
			others = nil
		}
		f := locator.Finding(Problem{Rule: RuleValue, Object: o, Path: tt.path}, others)
		if f.Position() != tt.want {
			t.Errorf("%s %s: got %s, want %s", tt.origin, tt.path, f.Position(), tt.want)
		}
	}
}
