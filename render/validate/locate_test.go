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

const chartTemplate = `{{- if .Values.on }}
{{- /* two
lines */}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "name" . }}-web
  labels:
    {{- include "labels" . | nindent 4 }}
    tier: {{ .Values.tier | default "front" | quote }}
spec:
  replicas: {{ .Values.replicas }}
  template:
    spec:
      containers:
      {{- range .Values.sidecars }}
      - name: {{ .name }}
        image: "{{ .image }}:{{ .tag }}"
      {{- end }}
      - name: web
        image: {{ printf "%s:%s"
          .Values.image .Values.tag }}
        imagePullPolicy: Never
      volumes:
      {{- range .Values.volumes }}
      - emptyDir: {medium: {{ . }}}
      {{- end }}
{{- end }}
---
{{- with .Values.other }}
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ . }}-other}
spec:
  replicas: 2
{{- end }}
`

// In a template of Helm, too, a problem is at the field that it is about.
func TestLocateInTemplates(t *testing.T) {
	container := func(name string) any { return map[string]any{"name": name, "image": "a", "imagePullPolicy": "Never"} }
	locator := NewLocator(func(string) ([]byte, error) { return []byte(chartTemplate), nil })
	for _, tt := range []struct {
		name, path string
		want       int
	}{
		{"shop-web", "metadata.name", 7},
		{"shop-web", "metadata.labels[tier]", 10},
		{"shop-web", "metadata.labels[app]", 8},
		{"shop-web", "spec.replicas", 12},
		{"shop-web", "spec.template.spec.containers[1].image", 18},
		{"shop-web", "spec.template.spec.containers[2].image", 21},
		{"shop-web", "spec.template.spec.containers[2].imagePullPolicy", 23},
		{"shop-web", "spec.template.spec.volumes[1].emptyDir.medium", 26},
		{"shop-other", "spec.replicas", 35},
	} {
		o, err := manifest.New(map[string]any{
			"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": tt.name, "labels": map[string]any{"tier": "front", "app": "a"}},
			"spec": map[string]any{"replicas": int64(2), "template": map[string]any{"spec": map[string]any{
				"containers": []any{container("a"), container("b"), container("web")},
				"volumes":    []any{map[string]any{"emptyDir": map[string]any{"medium": "a"}}, map[string]any{"emptyDir": map[string]any{"medium": "b"}}},
			}}},
		}, manifest.Origin{File: "chart/templates/web.yaml", Line: 1})
		if err != nil {
			t.Fatal(err)
		}
		if f := locator.Finding(Problem{Rule: RuleValue, Object: o, Path: tt.path}, nil); f.Line != tt.want {
			t.Errorf("%s %s: line %d, want %d", tt.name, tt.path, f.Line, tt.want)
		}
	}
}
