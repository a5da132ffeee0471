package kustomize_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/tidelock-io/tidelock/cmd/testenv"
	"github.com/tidelock-io/tidelock/plugins/helm"
	"github.com/tidelock-io/tidelock/plugins/kustomize"
	"github.com/tidelock-io/tidelock/plugins/pluginstest"
	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// charts is a host that renders charts of the tree.
type charts struct {
	sdk.NoHost
	tree *pluginstest.Tree
}

func (c charts) Render(ctx context.Context, nested sdk.NestedRequest) (*sdk.RenderResult, error) {
	return helm.Renderer{}.Render(ctx, &sdk.RenderRequest{
		Application: "shop", Path: nested.Path, Options: nested.Options, Namespace: nested.Namespace, Tree: c.tree, Host: c,
	})
}

// aChart is in every archive of TestCharts, as "web" in the home of charts.
const aChart = `
-- Chart.yaml --
apiVersion: v2
name: web
version: 1.0.0
appVersion: "7"
-- values.yaml --
greeting: hello
replicas: 2
labels: {tier: front}
nothing: null
list: [a, b]
env:
- {name: A, value: "1"}
- {name: B, value: "2"}
deep: {one: 1, two: {three: 3}}
-- templates/_helpers.tpl --
{{ define "web.labels" }}app: {{ .Release.Name }}{{ range $k, $v := .Values.labels }}
{{ $k }}: {{ $v | quote }}{{ end }}{{ end }}
-- templates/all.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
  labels: {{- include "web.labels" . | nindent 4 }}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata: {labels: {app: {{ .Release.Name }}}}
    spec:
      containers:
      - name: web
        image: "web:{{ .Chart.AppVersion }}"
        env: {{- toYaml .Values.env | nindent 8 }}
        envFrom: [{configMapRef: {name: {{ .Release.Name }}}}]
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
  namespace: {{ .Release.Namespace }}
data:
  values: {{ omit .Values "global" | toJson | quote }}
  kube: {{ .Capabilities.KubeVersion.Version }}
  robots: {{ .Capabilities.APIVersions.Has "example.com/v1/Robot" | quote }}
  install: {{ .Release.IsInstall | quote }}
-- templates/hook.yaml --
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-migrate
  annotations: {helm.sh/hook: "pre-install,pre-upgrade", helm.sh/hook-weight: "-5"}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: m, image: "migrate:1"}]}}}
-- templates/tests/test.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}-test
  annotations: {helm.sh/hook: test}
spec: {containers: [{name: t, image: "t:1"}]}
-- crds/crd.yaml --
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec: {group: example.com, scope: Namespaced, names: {kind: Thing, plural: things}, versions: []}
`

// TestCharts compares helmCharts with `kustomize build --enable-helm`, which runs
// the helm binary. Each case is the fields of an overlay.
func TestCharts(t *testing.T) {
	b := newBinary(t)
	helmPath, err := testenv.Tool(context.Background(), testenv.HelmTool)
	if err != nil {
		t.Fatal(err)
	}
	for name, files := range map[string]string{
		"plain":                  "-- overlay/kustomization.yaml --\nhelmCharts: [{name: web}]\n",
		"release and namespace":  "-- overlay/kustomization.yaml --\nnamespace: shop\nhelmCharts: [{name: web, releaseName: a, namespace: elsewhere}]\n",
		"namespace of overlay":   "-- overlay/kustomization.yaml --\nnamespace: shop\nnamePrefix: p-\nhelmCharts: [{name: web, releaseName: a}]\ncommonLabels: {all: \"yes\"}\n",
		"crds without tests":     "-- overlay/kustomization.yaml --\nhelmCharts: [{name: web, releaseName: a, includeCRDs: true, skipTests: true}]\n",
		"without hooks":          "-- overlay/kustomization.yaml --\nhelmCharts: [{name: web, releaseName: a, skipHooks: true}]\n",
		"api versions":           "-- overlay/kustomization.yaml --\nhelmCharts: [{name: web, apiVersions: [example.com/v1/Robot], kubeVersion: 1.30.1}]\n",
		"values file":            "-- overlay/kustomization.yaml --\nhelmCharts: [{name: web, valuesFile: v/a.yaml}]\n-- overlay/v/a.yaml --\nreplicas: 5\nlist: [x]\ndeep: {two: null}\n",
		"inline, override":       "-- overlay/kustomization.yaml --\nhelmCharts: [{name: web, valuesInline: {replicas: 1000000, labels: {tier: back, more: x}, list: [c], env: [{name: B, value: \"3\"}], deep: {one: null}, big: 12345678901, float: 1.5}}]\n",
		"inline, merge":          "-- overlay/kustomization.yaml --\nhelmCharts: [{name: web, valuesMerge: merge, valuesInline: {replicas: 9, added: x, labels: {tier: back, more: x}, list: [c]}}]\n",
		"inline, replace":        "-- overlay/kustomization.yaml --\nhelmCharts: [{name: web, valuesMerge: replace, valuesInline: {replicas: 9, list: []}}]\n",
		"inline over a file":     "-- overlay/kustomization.yaml --\nhelmCharts: [{name: web, valuesFile: a.yaml, valuesInline: {list: [c]}}]\n-- overlay/a.yaml --\n# a comment\nreplicas: 5\nyes: \"no\"\n",
		"additional files":       "-- overlay/kustomization.yaml --\nhelmCharts: [{name: web, additionalValuesFiles: [a.yaml, b.yaml], valuesInline: {replicas: 4}}]\n-- overlay/a.yaml --\nreplicas: 5\nlist: [n]\nlabels: {y1: off, x: \"on\"}\ndeep: {two: {four: 4}}\n-- overlay/b.yaml --\nlist: null\nbig: 123456789\n",
		"additional files alone": "-- overlay/kustomization.yaml --\nhelmCharts: [{name: web, additionalValuesFiles: [a.yaml]}]\n-- overlay/a.yaml --\nreplicas: 5\nnothing: something\n",
		"name template":          "-- overlay/kustomization.yaml --\nhelmCharts: [{name: web, nameTemplate: '{{ \"WEB\" | lower }}-{{ add 1 2 }}'}]\n",
		"twice, in order":        "-- overlay/kustomization.yaml --\nsortOptions: {order: fifo}\nresources: [own.yaml]\nconfigMapGenerator: [{name: generated}]\nhelmCharts: [{name: web, releaseName: b}, {name: web, releaseName: a, includeCRDs: true}]\ncomponents: [../component]\n-- overlay/own.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: own}\n-- component/kustomization.yaml --\napiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [c.yaml]\nimages: [{name: migrate, newTag: \"2\"}]\n-- component/c.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n",
		"in a base":              "-- overlay/kustomization.yaml --\nresources: [../base]\nnamespace: outer\nnameSuffix: -s\npatches: [{target: {kind: Deployment}, patch: '[{\"op\": \"replace\", \"path\": \"/spec/replicas\", \"value\": 7}]'}]\n-- base/kustomization.yaml --\nresources: [../inner]\n-- inner/kustomization.yaml --\nhelmCharts: [{name: web, releaseName: a}]\n",
		"legacy":                 "-- overlay/kustomization.yaml --\nhelmChartInflationGenerator: [{chartName: web, releaseName: old, chartHome: ./charts, values: a.yaml, valuesLocal: {replicas: 3}, valuesMerge: override}]\n-- overlay/a.yaml --\ngreeting: legacy\n",
		"local of a version":     "-- overlay/kustomization.yaml --\nhelmCharts: [{name: web, repo: 'https://charts.example.com', version: 1.0.0}]\nhelmGlobals: {chartHome: home}\n",
	} {
		t.Run(name, func(t *testing.T) {
			files := txtar.Parse([]byte(files)).Files
			for _, f := range txtar.Parse([]byte(aChart)).Files {
				for _, home := range []string{"overlay/charts/web/", "overlay/home/web-1.0.0/web/", "inner/charts/web/"} {
					files = append(files, txtar.File{Name: home + f.Name, Data: f.Data})
				}
			}
			dir := b.write(files)
			args := []string{"build", "--enable-helm", "--helm-command", helmPath, "overlay"}
			options := ""
			if name != "api versions" {
				options = `{"kubeVersion": "1.36.2"}`
				args = append(args, "--helm-kube-version", "1.36.2")
			}
			out, err := b.run(dir, args...)
			if err != nil {
				t.Fatal(err)
			}
			want, err := objects(out)
			if err != nil {
				t.Fatal(err)
			}
			tree := pluginstest.ParseTree(string(txtar.Format(&txtar.Archive{Files: files})))
			req := &sdk.RenderRequest{Application: "shop", Path: "overlay", Tree: tree, Host: charts{tree: tree}}
			if options != "" {
				req.Options = json.RawMessage(options)
			}
			result, err := kustomize.Renderer{}.Render(context.Background(), req)
			if err != nil {
				t.Fatal(err)
			}
			got, err := decoded(result)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-kustomize +plugin)\n%s", diff)
			}
			for _, d := range result.Documents {
				if !strings.Contains(d.File, "/web/templates/") && filepath.Base(d.File) != "crd.yaml" && name != "twice, in order" {
					t.Errorf("%s:%d is no template", d.File, d.Line)
				}
			}
		})
	}
}
