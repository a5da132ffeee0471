package helm_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/plugins/helm"
	"github.com/tidelock-io/tidelock/plugins/host"
	"github.com/tidelock-io/tidelock/plugins/pluginstest"
	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// fortyTemplates is a chart as they are written: labels from helpers, a table of
// values for each object, conditions and ranges.
func fortyTemplates() []txtar.File {
	var values, extra strings.Builder
	add := func(files []txtar.File, name, text string) []txtar.File {
		return append(files, txtar.File{Name: "chart/" + name, Data: []byte(text)})
	}
	files := add(nil, "Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\nappVersion: \"3.2\"\n")
	files = add(files, "templates/_helpers.tpl", `
{{- define "shop.name" -}}{{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}{{- end }}
{{- define "shop.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{ include "shop.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}
{{- define "shop.selector" -}}
app.kubernetes.io/name: {{ include "shop.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
`)
	for i := range 40 {
		name := fmt.Sprintf("part%02d", i)
		fmt.Fprintf(&values, "%s: {enabled: true, replicas: %d, image: {name: shop, tag: v%d}, env: {A: a, B: b, C: c}, resources: {limits: {cpu: 1, memory: 1Gi}, requests: {cpu: 100m, memory: 128Mi}}}\n", name, i, i)
		fmt.Fprintf(&extra, "%s: {replicas: 2}\n", name)
		files = add(files, "templates/"+name+".yaml", strings.ReplaceAll(`
{{- with .Values.PART }}
{{- if .enabled }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "shop.name" $ }}-PART
  labels: {{- include "shop.labels" $ | nindent 4 }}
spec:
  replicas: {{ .replicas }}
  selector: {matchLabels: {{ include "shop.selector" $ | fromYaml | toJson }}}
  template:
    metadata: {labels: {{- include "shop.labels" $ | nindent 8 }}
      }
    spec:
      containers:
      - name: main
        image: "{{ .image.name }}:{{ .image.tag | default $.Chart.AppVersion }}"
        env:
        {{- range $k, $v := .env }}
        - {name: {{ $k }}, value: {{ $v | quote }}}
        {{- end }}
        resources: {{- toYaml .resources | nindent 10 }}
{{- end }}
{{- end }}
`, "PART", name))
	}
	files = add(files, "values.yaml", values.String())
	for i := range files {
		files[i].Data = []byte(strings.ReplaceAll(string(files[i].Data), "{labels: {{- include \"shop.labels\" $ | nindent 8 }}\n      }", "\n      labels: {{- include \"shop.labels\" $ | nindent 8 }}"))
	}
	return add(files, "extra.yaml", extra.String())
}

func chartRequest() *sdk.RenderRequest {
	return &sdk.RenderRequest{
		Application: "shop", Path: "chart", Tree: pluginstest.ParseTree(string(txtar.Format(&txtar.Archive{Files: fortyTemplates()}))),
		Host: sdk.NoHost{}, Namespace: "prod", KubeVersion: kubeVersion, Options: []byte(`{"valueFiles": ["extra.yaml"]}`),
	}
}

func BenchmarkInProcess(b *testing.B) {
	req := chartRequest()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := (helm.Renderer{}).Render(context.Background(), req); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkChart renders a chart of 40 templates by the plugin, and by helm's
// command as a process.
func BenchmarkChart(b *testing.B) {
	b.Run("plugin", func(b *testing.B) {
		h := pluginstest.Host(b, host.Spec{Name: "helm", Processes: 1})
		if err := h.Warm(context.Background()); err != nil {
			b.Fatal(err)
		}
		req := chartRequest()
		median(b, func() error {
			_, err := h.Render(context.Background(), "helm", req)
			return err
		})
		for _, p := range h.Processes() {
			b.ReportMetric(float64(p.PSS>>10)/1024, "pss-MB")
			b.ReportMetric(float64(p.RSS>>10)/1024, "rss-MB")
		}
	})
	b.Run("command", func(b *testing.B) {
		c := newChartCase(b, "chart", fortyTemplates(), api.HelmSource{ValueFiles: []string{"extra.yaml"}})
		flags := c.flags(b)
		median(b, func() error { return c.helmCommand(flags...).Run() })
	})
}

func median(b *testing.B, render func() error) {
	var times []time.Duration
	for b.Loop() {
		start := time.Now()
		if err := render(); err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "p50-ms")
}

// TestFortyTemplates: what is measured is what helm renders.
func TestFortyTemplates(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds helm")
	}
	c := newChartCase(t, "chart", fortyTemplates(), api.HelmSource{ValueFiles: []string{"extra.yaml"}})
	text, err := c.theirs(t)
	if err != nil || strings.Count(text, "Deployment.apps") != 40 && strings.Count(text, "\"kind\": \"Deployment\"") != 40 {
		t.Fatalf("helm gives %v\n%s", err, text)
	}
	c.check(t)
}
