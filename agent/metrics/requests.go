package metrics

import (
	"os"
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/traffic"
	"google.golang.org/protobuf/proto"
	"k8s.io/apimachinery/pkg/types"
)

// maxKinds is how many kinds of requests count by themselves for one Application.
// Beyond that they count together, as of verb Unknown.
const maxKinds = 100

// requests is argocd_app_k8s_request_total and argocd_kubectl_*. The first has a
// series for each Application, kind, verb and answer, of which there are many, so it
// is kept small: a number by a key whose texts others hold, and made at the scrape.
type requests struct {
	applications func() []*api.Application
	pending      func() int
	hostname     string

	total    *prometheus.CounterVec
	took     *prometheus.HistogramVec
	written  *prometheus.CounterVec
	lookups  *prometheus.HistogramVec
	sent     *prometheus.HistogramVec
	received *prometheus.HistogramVec
	logins   *prometheus.CounterVec
	hosts    *bounded

	mu    sync.Mutex // guards byApp
	byApp map[types.NamespacedName]map[asking]uint64
}

// An asking is what a series counts.
type asking struct {
	server, verb, resource, namespace string
	code                              int
	dryRun                            bool
}

var (
	requestDesc = prometheus.NewDesc("argocd_app_k8s_request_total", "Number of kubernetes requests executed during application reconciliation.",
		with(appLabels, "server", "response_code", "verb", "resource_kind", "resource_namespace", "dry_run"), nil)
	pendingDesc = prometheus.NewDesc("argocd_kubectl_exec_pending", "Number of writes to clusters that wait for their turn, which Argo CD makes by kubectl.",
		[]string{"hostname", "command"}, nil)
)

func newRequests(applications func() []*api.Application, pending func() int) *requests {
	hostname, _ := os.Hostname() // without one the label is empty
	return &requests{
		applications: applications, pending: pending, hostname: hostname,
		total: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "argocd_kubectl_requests_total", Help: "Number of requests to clusters, by their results.",
		}, []string{"host", "method", "code"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "argocd_kubectl_request_duration_seconds", Help: "Time until a cluster answered a request.",
			Buckets: []float64{0.005, 0.1, 0.5, 2.0, 8.0, 30.0},
		}, []string{"host", "verb"}),
		written: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "argocd_kubectl_exec_total", Help: "Number of writes to clusters, which Argo CD makes by kubectl.",
		}, []string{"hostname", "command"}),
		lookups:  newLookups(),
		sent:     newSizes("argocd_kubectl_request_size_bytes", "Size of requests to clusters."),
		received: newSizes("argocd_kubectl_response_size_bytes", "Size of the answers of clusters."),
		logins:   newLogins(),
		hosts:    newBounded(maxServers),
		byApp:    map[types.NamespacedName]map[asking]uint64{},
	}
}

func (r *requests) collectors() []prometheus.Collector {
	return []prometheus.Collector{r.total, r.took, r.written, r.lookups, r.sent, r.received, r.logins}
}

// Requested counts a request to a destination.
func (m *Metrics) Requested(request traffic.Request) { m.requests.count(request) }

// commands are what kubectl calls the verbs.
var commands = map[string]string{"Patch": "apply", "Create": "create", "Update": "replace", "Delete": "delete"}

func (r *requests) count(q traffic.Request) {
	host := r.hosts.of(q.Host)
	r.total.WithLabelValues(host, q.Method, strconv.Itoa(q.Code)).Inc()
	r.took.WithLabelValues(host, q.Verb).Observe(q.Took.Seconds())
	if q.App == (types.NamespacedName{}) {
		return
	}
	if command := commands[q.Verb]; command != "" && !q.DryRun {
		r.written.WithLabelValues(r.hostname, command).Inc()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	of := r.byApp[q.App]
	if of == nil {
		of = map[asking]uint64{}
		r.byApp[q.App] = of
	}
	what := asking{q.Server, q.Verb, q.Resource, q.Namespace, q.Code, q.DryRun}
	if _, known := of[what]; !known && len(of) >= maxKinds {
		what = asking{server: what.server, verb: "Unknown"}
	}
	of[what]++
}

func (r *requests) forget(app types.NamespacedName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.byApp, app)
}

// Describe and Collect make it a prometheus.Collector.
func (r *requests) Describe(out chan<- *prometheus.Desc) {
	out <- requestDesc
	out <- pendingDesc
}

func (r *requests) Collect(out chan<- prometheus.Metric) {
	if r.pending != nil {
		out <- prometheus.MustNewConstMetric(pendingDesc, prometheus.GaugeValue, float64(r.pending()), r.hostname, "apply")
	}
	pairs := pairs{}
	for _, app := range r.applications() {
		own := []*dto.LabelPair{pairs.of("name", app.Name), pairs.of("namespace", app.Namespace), pairs.of("project", clipped(app.Spec.ProjectName()))}
		for what, n := range r.of(app) {
			out <- &series{pairs.labels(own, what), n}
		}
	}
}

// of copies what is counted for an Application, so that a slow reader holds up
// nobody.
func (r *requests) of(app *api.Application) map[asking]uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	of := r.byApp[types.NamespacedName{Namespace: app.Namespace, Name: app.Name}]
	copied := make(map[asking]uint64, len(of))
	for what, n := range of {
		copied[what] = n
	}
	return copied
}

// pairs are labels with their values, each once in a scrape.
type pairs map[[2]string]*dto.LabelPair

func (p pairs) of(label, value string) *dto.LabelPair {
	key := [2]string{label, value}
	if p[key] == nil {
		p[key] = &dto.LabelPair{Name: proto.String(label), Value: proto.String(value)}
	}
	return p[key]
}

// labels are those of a series, by name, as Prometheus has them.
func (p pairs) labels(app []*dto.LabelPair, what asking) []*dto.LabelPair {
	return []*dto.LabelPair{
		p.of("dry_run", strconv.FormatBool(what.dryRun)), app[0], app[1], app[2],
		p.of("resource_kind", what.resource), p.of("resource_namespace", what.namespace),
		p.of("response_code", strconv.Itoa(what.code)), p.of("server", what.server), p.of("verb", what.verb),
	}
}

// A series is one counter of requestDesc.
type series struct {
	labels []*dto.LabelPair
	count  uint64
}

// Desc and Write make it a prometheus.Metric.
func (*series) Desc() *prometheus.Desc { return requestDesc }

func (s *series) Write(out *dto.Metric) error {
	out.Label = s.labels
	out.Counter = &dto.Counter{Value: proto.Float64(float64(s.count))}
	return nil
}
