package main

import (
	"context"
	"log/slog"
	"testing"

	"github.com/tidelock-io/tidelock/plugins/pluginstest"
	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// samples are small directories for each built-in renderer.
var samples = map[string]string{
	"directory": "-- a.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
	"kustomize": "-- kustomization.yaml --\nresources: [a.yaml]\nnamePrefix: x-\n-- a.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
	"helm": "-- Chart.yaml --\napiVersion: v2\nname: a\nversion: 1.0.0\n-- templates/a.yaml --\n" +
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\n",
}

// BenchmarkFirstRender is from nothing to what a plugin process renders first. The
// process is this program with all that is linked into it, as in production.
func BenchmarkFirstRender(b *testing.B) {
	for name, archive := range samples {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				h := benchmarkHost(b)
				sampleRender(b, h, name, archive)
				b.StopTimer()
				if err := h.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}

// BenchmarkMemory tells what the plugin processes take after a thousand renders
// each, beside each other as in the agent.
func BenchmarkMemory(b *testing.B) {
	h := benchmarkHost(b)
	defer h.Close()
	for b.Loop() {
		for name, archive := range samples {
			for range 1000 {
				sampleRender(b, h, name, archive)
			}
		}
	}
	for _, p := range h.Processes() {
		b.ReportMetric(float64(p.PSS>>10)/1024, p.Plugin+"-pss-MB")
		b.ReportMetric(float64(p.RSS>>10)/1024, p.Plugin+"-rss-MB")
	}
}

func benchmarkHost(b *testing.B) *plugins {
	h, err := newHost(slog.New(slog.DiscardHandler), pluginOptions{})
	if err != nil {
		b.Fatal(err)
	}
	return h
}

func sampleRender(b *testing.B, h *plugins, name, archive string) {
	_, err := h.Render(context.Background(), name, &sdk.RenderRequest{
		Application: "a", Path: ".", Tree: pluginstest.ParseTree(archive), Namespace: "a", KubeVersion: "1.37.2",
	})
	if err != nil {
		b.Fatal(err)
	}
}
