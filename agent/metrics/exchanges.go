package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/tidelock-io/tidelock/agent/traffic"
)

// The finer ones of argocd_kubectl_*, under the names and with the buckets of Argo CD.

func newLookups() *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "argocd_kubectl_dns_resolution_duration_seconds", Help: "Time to find the address of a cluster's server.",
		Buckets: []float64{0.005, 0.1, 0.5, 2.0, 8.0, 30.0},
	}, []string{"host"})
}

func newSizes(name, help string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: name, Help: help, Buckets: []float64{64, 512, 4096, 65536, 1048576, 16777216},
	}, []string{"host", "method"})
}

func newLogins() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "argocd_kubectl_exec_plugin_call_total", Help: "Number of programs that were run to log in to clusters.",
	}, []string{"code", "call_status"})
}

// Exchanged counts a request to a cluster and its answer by their sizes.
func (m *Metrics) Exchanged(x traffic.Exchange) {
	r := m.requests
	host := r.hosts.of(x.Host)
	r.sent.WithLabelValues(host, x.Method).Observe(float64(x.Sent))
	r.received.WithLabelValues(host, x.Method).Observe(float64(x.Received))
	if x.Lookup > 0 {
		r.lookups.WithLabelValues(host).Observe(x.Lookup.Seconds())
	}
}

// LoggedIn counts a program that was run to log in to a cluster, by its exit code and
// what became of it in client-go's words.
func (m *Metrics) LoggedIn(code int, status string) {
	m.requests.logins.WithLabelValues(strconv.Itoa(code), status).Inc()
}

// newSlots is of renders, of which so many may run at once.
func newSlots() prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "argocd_repo_parallelism_wait_duration_seconds", Help: "Time that renders waited for their turn, those that gave up included.",
		Buckets: []float64{0.1, 0.25, .5, 1, 2, 4, 10, 20, 60, 120},
	})
}

// Waited counts a render that has waited for its turn.
func (m *Metrics) Waited(long time.Duration) { m.slots.Observe(long.Seconds()) }
