// Package metrics is what Prometheus reads: Go's and the process' own metrics,
// Argo CD's under their names and labels (SEMANTICS.md 2.12), and ours.
//
// Start with [New]. Nothing here holds the text of an object.
package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/tidelock-io/tidelock/agent/api"
)

// Metrics counts what the agent does.
type Metrics struct {
	registry  *prometheus.Registry
	syncs     *prometheus.CounterVec
	reconcile *prometheus.HistogramVec
	secrets   *prometheus.CounterVec
}

// Sources are asked at each scrape.
type Sources struct {
	// Applications returns all Applications.
	Applications func() []*api.Application
	// Orphans returns how many objects of no application are beside an
	// Application's, if anybody asks for that.
	Orphans func(*api.Application) (count int, asked bool)
	// Gauges and Counters are our own, by name and help.
	Gauges, Counters []Number
}

// A Number is one value without labels.
type Number struct {
	Name, Help string
	Value      func() float64
}

// New registers everything.
func New(from Sources) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		syncs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "argocd_app_sync_total", Help: "Number of application syncs.",
		}, []string{"namespace", "name", "project", "dest_server", "phase", "dry_run"}),
		reconcile: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "argocd_app_reconcile", Help: "Application reconciliation performance in seconds.",
			Buckets: []float64{0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16},
		}, []string{"namespace", "dest_server"}),
		secrets: newSecretUses(),
	}
	m.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.syncs, m.reconcile, m.secrets, info{from.Applications}, orphans{from.Applications, from.Orphans},
	)
	for _, n := range from.Gauges {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: n.Name, Help: n.Help}, n.Value))
	}
	for _, n := range from.Counters {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: n.Name, Help: n.Help}, n.Value))
	}
	return m
}

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Synced counts an operation that ended.
func (m *Metrics) Synced(app *api.Application, op *api.OperationState) {
	dryRun := "false"
	if op.Operation.Sync != nil && op.Operation.Sync.DryRun {
		dryRun = "true"
	}
	m.syncs.WithLabelValues(app.Namespace, app.Name, app.Spec.ProjectName(), app.Spec.Destination.Resolved().Server,
		string(op.Phase), dryRun).Inc()
}

// Passed counts a pass.
func (m *Metrics) Passed(namespace, server string, took time.Duration) {
	m.reconcile.WithLabelValues(namespace, server).Observe(took.Seconds())
}
