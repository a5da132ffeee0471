package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/tidelock-io/tidelock/agent/api"
)

// maxServers is how many destinations count by themselves.
const maxServers = 1000

// passes is argocd_app_reconcile, with finer buckets than Argo CD's, which are all
// there, too.
type passes struct {
	took    *prometheus.HistogramVec
	servers *bounded
}

func newPasses() *passes {
	return &passes{
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "argocd_app_reconcile", Help: "Application reconciliation performance in seconds.",
			Buckets: []float64{0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16},
		}, []string{"namespace", "dest_server"}),
		servers: newBounded(maxServers),
	}
}

func (p *passes) collectors() []prometheus.Collector { return []prometheus.Collector{p.took} }

// Passed counts a pass.
func (m *Metrics) Passed(namespace, server string, took time.Duration) {
	m.passes.took.WithLabelValues(namespace, m.passes.servers.of(server)).Observe(took.Seconds())
}

// syncs are the metrics of operations that ended.
type syncs struct {
	total   *prometheus.CounterVec
	seconds *prometheus.CounterVec
	took    *prometheus.HistogramVec
	servers *bounded
}

var appLabels = []string{"namespace", "name", "project"}

func newSyncs() *syncs {
	return &syncs{
		total: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "argocd_app_sync_total", Help: "Number of application syncs.",
		}, with(appLabels, "dest_server", "phase", "dry_run")),
		seconds: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "argocd_app_sync_duration_seconds_total", Help: "Application sync performance in seconds total.",
		}, with(appLabels, "dest_server")),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "tidelock_sync_duration_seconds", Help: "How long operations took from their beginning to their end, retries included.",
			Buckets: []float64{0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600},
		}, []string{"phase"}),
		servers: newBounded(maxServers),
	}
}

func with(labels []string, more ...string) []string {
	return append(append([]string{}, labels...), more...)
}

func (s *syncs) collectors() []prometheus.Collector {
	return []prometheus.Collector{s.total, s.seconds, s.took}
}

func (s *syncs) forget(of prometheus.Labels) {
	s.total.DeletePartialMatch(of)
	s.seconds.DeletePartialMatch(of)
}

// Synced counts an operation that ended.
func (m *Metrics) Synced(app *api.Application, op *api.OperationState) {
	dryRun := "false"
	if op.Operation.Sync != nil && op.Operation.Sync.DryRun {
		dryRun = "true"
	}
	project, server := app.Spec.ProjectName(), m.syncs.servers.of(app.Spec.Destination.Resolved().Server)
	m.syncs.total.WithLabelValues(app.Namespace, app.Name, project, server, string(op.Phase), dryRun).Inc()
	if op.FinishedAt == nil {
		return
	}
	took := max(0, op.FinishedAt.Sub(op.StartedAt.Time).Seconds())
	m.syncs.took.WithLabelValues(string(op.Phase)).Observe(took)
	if op.Phase == api.OperationSucceeded {
		m.syncs.seconds.WithLabelValues(app.Namespace, app.Name, project, server).Add(took)
		m.pushes.applied(app, op)
	}
}
