// Package metrics is what Prometheus reads: Go's and the process' own metrics,
// Argo CD's under their names and labels (SEMANTICS.md 2.12), and ours.
//
// Start with [New]. Nothing here holds the text of an object. The number of series
// is bounded by that of Applications, clusters and repositories, and so is the length of
// what these say, whatever it is.
package metrics

import (
	"net/http"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/shadow"
	"k8s.io/apimachinery/pkg/types"
)

// Metrics counts what the agent does. Its methods may be called by several
// goroutines.
type Metrics struct {
	registry      *prometheus.Registry
	passes        *passes
	syncs         *syncs
	secrets       *prometheus.CounterVec
	drifts        *prometheus.CounterVec
	requests      *requests
	repositories  *repositories
	pushes        *pushes
	webhooks      *prometheus.CounterVec
	queues        *queues
	setPasses     *prometheus.HistogramVec
	server        func(*api.Application) string
	telling       atomic.Pointer[telling]
	notifications *notifications
	slots         prometheus.Histogram
}

// Sources are asked at each scrape.
type Sources struct {
	// Version is the program's own.
	Version string
	// Applications returns all Applications.
	Applications func() []*api.Application
	// Orphans returns how many objects of no application are beside an
	// Application's, if anybody asks for that.
	Orphans func(*api.Application) (count int, asked bool)
	// ApplicationSets returns all ApplicationSets; nil if nobody follows them.
	ApplicationSets func() []*api.ApplicationSet
	// Server names the cluster that an Application is for; nil if there is only the
	// agent's own.
	Server func(*api.Application) string
	// Shadow reports what an agent finds that looks on at Argo CD; nil if none does.
	Shadow func() shadow.Report
	// Clusters returns the destinations.
	Clusters func() []Cluster
	// Pending returns how many writes to destinations wait for their turn.
	Pending func() int
	// Telling is what is told only on demand. Tell sets another.
	Telling Telling
	// Gauges and Counters are our own, by name and help.
	Gauges, Counters []Number
}

// server names the cluster that an Application is for.
func (from Sources) server(app *api.Application) string {
	if from.Server == nil {
		return app.Spec.Destination.Resolved().Server
	}
	return from.Server(app)
}

// New registers everything.
func New(from Sources) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(), passes: newPasses(), syncs: newSyncs(), secrets: newSecretUses(), drifts: newDrifts(),
		requests: newRequests(from.Applications, from.Pending), repositories: newRepositories(), pushes: newPushes(),
		webhooks: newWebhooks(), queues: newQueues(), setPasses: newSetPasses(), server: from.server,
		notifications: newNotifications(), slots: newSlots(),
	}
	m.Tell(from.Telling)
	m.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), build(from.Version),
		&applications{from, &m.telling}, labelled{from, &m.telling}, m.secrets, m.drifts, m.requests, m.webhooks, m.slots,
	)
	for _, each := range [][]prometheus.Collector{
		m.passes.collectors(), m.syncs.collectors(), m.repositories.collectors(), m.pushes.collectors(), m.queues.collectors(), m.requests.collectors(), m.notifications.collectors(),
	} {
		m.registry.MustRegister(each...)
	}
	if from.Clusters != nil {
		m.registry.MustRegister(clusters(from.Clusters))
	}
	if from.ApplicationSets != nil {
		m.registry.MustRegister(sets{from.ApplicationSets}, m.setPasses)
	}
	if from.Shadow != nil {
		m.registry.MustRegister(shadows{from.Shadow})
	}
	m.registry.MustRegister(newNumbers(from.Gauges, prometheus.GaugeValue), newNumbers(from.Counters, prometheus.CounterValue))
	return m
}

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 2})
}

// Forget drops the series of an Application that is gone.
func (m *Metrics) Forget(namespace, name string) {
	of := prometheus.Labels{"namespace": namespace, "name": name}
	m.secrets.DeletePartialMatch(of)
	m.drifts.DeletePartialMatch(of)
	app := types.NamespacedName{Namespace: namespace, Name: name}
	m.syncs.forget(app)
	m.requests.forget(app)
	m.pushes.forget(app)
}

// Describe tells what metrics there are, as a prometheus.Collector does.
func (m *Metrics) Describe(out chan<- *prometheus.Desc) {
	m.registry.Describe(out)
	m.telling.Load().describe(out)
}

// build tells which program it is.
func build(version string) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tidelock_build_info", Help: "Which Tidelock it is.", ConstLabels: prometheus.Labels{"version": version},
	}, func() float64 { return 1 })
}
