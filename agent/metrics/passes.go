package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/tidelock-io/tidelock/agent/api"
	"k8s.io/apimachinery/pkg/types"
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

// Passed counts a pass over an Application; nil is one that is gone.
func (m *Metrics) Passed(namespace string, app *api.Application, took time.Duration) {
	server := ""
	if app != nil {
		server = m.server(app)
		m.syncs.expect(app, server)
	}
	m.passes.took.WithLabelValues(namespace, m.passes.servers.of(clipped(server))).Observe(took.Seconds())
}

// syncs are the metrics of operations that ended.
type syncs struct {
	total   *prometheus.CounterVec
	seconds *prometheus.CounterVec
	took    *prometheus.HistogramVec
	servers *bounded

	mu     sync.Mutex // guards places
	places map[types.NamespacedName]place
}

// A place is what an Application's series say of where it goes.
type place struct{ project, server string }

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
		servers: newBounded(maxServers), places: map[types.NamespacedName]place{},
	}
}

func with(labels []string, more ...string) []string {
	return append(append([]string{}, labels...), more...)
}

func (s *syncs) collectors() []prometheus.Collector {
	return []prometheus.Collector{s.total, s.seconds, s.took}
}

// expect has all outcomes of syncs at 0 before there is one: Prometheus sees no increase
// in a series that begins with 1, and nobody would hear of the first failure. The
// series of an Application that goes elsewhere begin anew.
func (s *syncs) expect(app *api.Application, server string) {
	name := types.NamespacedName{Namespace: app.Namespace, Name: app.Name}
	to := place{clipped(app.Spec.ProjectName()), s.servers.of(clipped(server))}
	s.mu.Lock()
	defer s.mu.Unlock()
	was, known := s.places[name]
	if known && was == to {
		return
	}
	if known {
		s.drop(name)
	}
	s.places[name] = to
	for _, phase := range []api.OperationPhase{api.OperationSucceeded, api.OperationFailed, api.OperationError} {
		s.total.WithLabelValues(app.Namespace, app.Name, to.project, to.server, string(phase), "false")
	}
}

// Looked is how many Applications, of those that are this process's, it has looked at.
func (m *Metrics) Looked() int {
	m.syncs.mu.Lock()
	defer m.syncs.mu.Unlock()
	return len(m.syncs.places)
}

// forget drops the series of an Application that is gone.
func (s *syncs) forget(app types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.places, app)
	s.drop(app)
}

func (s *syncs) drop(app types.NamespacedName) {
	of := prometheus.Labels{"namespace": app.Namespace, "name": app.Name}
	s.total.DeletePartialMatch(of)
	s.seconds.DeletePartialMatch(of)
}

// Synced counts an operation that ended.
func (m *Metrics) Synced(app *api.Application, op *api.OperationState) {
	dryRun := "false"
	if op.Operation.Sync != nil && op.Operation.Sync.DryRun {
		dryRun = "true"
	}
	project, server := clipped(app.Spec.ProjectName()), m.syncs.servers.of(clipped(m.server(app)))
	m.syncs.total.WithLabelValues(app.Namespace, app.Name, project, server, string(op.Phase), dryRun).Inc()
	if op.FinishedAt == nil {
		return
	}
	took := max(0, op.FinishedAt.Sub(op.StartedAt.Time).Seconds())
	m.syncs.took.WithLabelValues(string(op.Phase)).Observe(took)
	m.syncs.seconds.WithLabelValues(app.Namespace, app.Name, project, server).Add(took)
	if op.Phase == api.OperationSucceeded {
		m.pushes.applied(app, op)
	}
}
