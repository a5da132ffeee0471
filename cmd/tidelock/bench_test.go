package main

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"testing"

	"github.com/tidelock-io/tidelock/cmd/testenv"
	"github.com/tidelock-io/tidelock/plugins/host"
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

// ways are the two in which built-in plugins are served: by programs of their own,
// and by this one with all that is linked into it.
func ways(b *testing.B, bench func(b *testing.B, start func() *plugins)) {
	built, err := testenv.Program(b.Context(), "tidelock", b.Logf)
	if err != nil {
		b.Fatal(err)
	}
	for _, way := range []struct {
		name   string
		rather func(plugin string) *host.Program
	}{
		{"companions", func(plugin string) *host.Program {
			return &host.Program{Command: built + "-" + plugin, Verify: func() error { return nil }}
		}},
		{"tidelock", func(string) *host.Program { return nil }},
	} {
		var specs []host.Spec
		for name := range samples {
			specs = append(specs, host.Spec{Name: name, Command: built, Args: []string{"plugin", "serve", name}, Rather: way.rather(name)})
		}
		b.Run(way.name, func(b *testing.B) {
			bench(b, func() *plugins {
				h, err := host.New(host.Config{Logger: slog.New(slog.DiscardHandler), Plugins: specs})
				if err != nil {
					b.Fatal(err)
				}
				return &plugins{Host: h}
			})
		})
	}
}

// BenchmarkFirstRender is from nothing to what a plugin process renders first.
func BenchmarkFirstRender(b *testing.B) {
	ways(b, func(b *testing.B, start func() *plugins) {
		for name, archive := range samples {
			b.Run(name, func(b *testing.B) {
				for b.Loop() {
					h := start()
					sampleRender(b, h, name, archive)
					b.StopTimer()
					if err := h.Close(); err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
				}
			})
		}
	})
}

// BenchmarkMemory tells what the plugin processes take after a thousand renders
// each, beside each other as in the agent, and each by itself.
func BenchmarkMemory(b *testing.B) {
	ways(b, func(b *testing.B, start func() *plugins) {
		b.Run("together", func(b *testing.B) { memoryTaken(b, start(), slices.Collect(maps.Keys(samples))...) })
		for name := range samples {
			b.Run(name, func(b *testing.B) { memoryTaken(b, start(), name) })
		}
	})
}

func memoryTaken(b *testing.B, h *plugins, names ...string) {
	defer h.Close()
	for b.Loop() {
		for _, name := range names {
			for range 1000 {
				sampleRender(b, h, name, samples[name])
			}
		}
	}
	for _, p := range h.Processes() {
		b.ReportMetric(float64(p.PSS>>10)/1024, p.Plugin+"-pss-MB")
		b.ReportMetric(float64(p.RSS>>10)/1024, p.Plugin+"-rss-MB")
	}
}

func sampleRender(b *testing.B, h *plugins, name, archive string) {
	_, err := h.Render(context.Background(), name, &sdk.RenderRequest{
		Application: "a", Path: ".", Tree: pluginstest.ParseTree(archive), Namespace: "a", KubeVersion: "1.37.2",
	})
	if err != nil {
		b.Fatal(err)
	}
}
