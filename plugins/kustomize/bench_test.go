package kustomize_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/tidelock-io/tidelock/plugins/host"
	"github.com/tidelock-io/tidelock/plugins/kustomize"
	"github.com/tidelock-io/tidelock/plugins/pluginstest"
	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// service is a base of four objects and an overlay.
const service = `
-- base/kustomization.yaml --
resources: [deployment.yaml, service.yaml, serviceaccount.yaml, configmap.yaml]
-- base/deployment.yaml --
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 1
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      serviceAccountName: api
      containers:
      - name: api
        image: api:1
        envFrom: [{configMapRef: {name: api}}]
-- base/service.yaml --
apiVersion: v1
kind: Service
metadata: {name: api}
spec: {selector: {app: api}, ports: [{port: 80}]}
-- base/serviceaccount.yaml --
apiVersion: v1
kind: ServiceAccount
metadata: {name: api}
-- base/configmap.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: api}
data: {LOG: info}
-- staging/kustomization.yaml --
namespace: staging
resources: [../base]
images: [{name: api, newTag: "2"}]
patches: [{path: replicas.yaml}]
-- staging/replicas.yaml --
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec: {replicas: 3}
`

func request() *sdk.RenderRequest {
	return &sdk.RenderRequest{Application: "shop", Path: "staging", Tree: pluginstest.ParseTree(service)}
}

func BenchmarkInProcess(b *testing.B) {
	req := request()
	for b.Loop() {
		if _, err := (kustomize.Renderer{}).Render(context.Background(), req); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPlugin(b *testing.B) {
	h := pluginstest.Host(b, host.Spec{Name: "kustomize", Processes: 1})
	if err := h.Warm(context.Background()); err != nil {
		b.Fatal(err)
	}
	req := request()
	b.ReportMetric(p50(b, func() error {
		_, err := h.Render(context.Background(), "kustomize", req)
		return err
	}), "p50-ms")
	for _, p := range h.Processes() {
		b.ReportMetric(float64(p.PSS>>10)/1024, "pss-MB")
		b.ReportMetric(float64(p.RSS>>10)/1024, "rss-MB")
	}
}

// p50 is the median of how many milliseconds something takes.
func p50(b *testing.B, do func() error) float64 {
	var times []time.Duration
	for b.Loop() {
		start := time.Now()
		if err := do(); err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	return float64(times[len(times)/2].Microseconds()) / 1000
}

// BenchmarkBinary runs kustomize as a process, and as often the plugin: "ratio" is
// how many times longer the process takes.
func BenchmarkBinary(b *testing.B) {
	binary := newBinary(b)
	dir := binary.write(txtar.Parse([]byte(service)).Files)
	h := pluginstest.Host(b, host.Spec{Name: "kustomize", Processes: 1})
	if err := h.Warm(context.Background()); err != nil {
		b.Fatal(err)
	}
	req := request()
	var process, plugin time.Duration
	for b.Loop() {
		start := time.Now()
		if _, err := binary.run(dir, "build", "staging"); err != nil {
			b.Fatal(err)
		}
		middle := time.Now()
		if _, err := h.Render(context.Background(), "kustomize", req); err != nil {
			b.Fatal(err)
		}
		process, plugin = process+middle.Sub(start), plugin+time.Since(middle)
	}
	b.ReportMetric(float64(process.Microseconds())/1000/float64(b.N), "process-ms")
	b.ReportMetric(float64(plugin.Microseconds())/1000/float64(b.N), "plugin-ms")
	b.ReportMetric(float64(process)/float64(plugin), "ratio")
}

func BenchmarkParallel(b *testing.B) {
	for _, processes := range []int{1, 2} {
		for _, calls := range []int{1, 2, 4} {
			b.Run(fmt.Sprintf("processes=%d/calls=%d", processes, calls), func(b *testing.B) {
				h := pluginstest.Host(b, host.Spec{Name: "kustomize", Processes: processes})
				if err := h.Warm(context.Background()); err != nil {
					b.Fatal(err)
				}
				var n atomic.Int64
				b.SetParallelism((calls + 1) / 2)
				b.RunParallel(func(pb *testing.PB) {
					req := request()
					for pb.Next() {
						if _, err := h.Render(context.Background(), "kustomize", req); err != nil {
							b.Error(err)
						}
						n.Add(1)
					}
				})
				b.ReportMetric(float64(n.Load())/b.Elapsed().Seconds(), "overlays/s")
			})
		}
	}
}
