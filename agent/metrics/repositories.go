package metrics

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// maxRepositories is how many repositories count by themselves.
const maxRepositories = 1000

// repositories is argocd_git_request_* and argocd_oci_request_*, and the same of
// Helm repositories and single files, which Argo CD does not count.
type repositories struct {
	git, oci, web asked
	failed        map[string]*prometheus.CounterVec // Argo CD's own names, by request
	pending       *prometheus.GaugeVec
	names         *bounded
}

// asked is how often, and how long it took.
type asked struct {
	total *prometheus.CounterVec
	took  *prometheus.HistogramVec
}

func newAsked(prefix, of string) asked {
	labels := []string{"repo", "request_type"}
	return asked{
		prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + "_request_total", Help: "Number of " + of + " requests performed."}, labels),
		prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: prefix + "_request_duration_seconds", Help: of + " requests duration seconds.",
			Buckets: []float64{0.1, 0.25, .5, 1, 2, 4, 10, 20},
		}, labels),
	}
}

func newRepositories() *repositories {
	failed := func(name, of string, more ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: "Number of " + of + " requests that failed."}, with([]string{"repo"}, more...))
	}
	return &repositories{
		git: newAsked("argocd_git", "git"), oci: newAsked("argocd_oci", "OCI"), web: newAsked("tidelock_repository", "Helm repository and single file"),
		failed: map[string]*prometheus.CounterVec{
			"git fetch":            failed("argocd_git_fetch_fail_total", "git fetch", "revision"),
			"git ls-remote":        failed("argocd_git_lsremote_fail_total", "git ls-remote", "revision"),
			"oci resolve-revision": failed("argocd_oci_resolve_revision_fail_total", "OCI resolve revision", "revision"),
			"oci extract":          failed("argocd_oci_extract_fail_total", "OCI extract", "revision"),
			"oci get-tags":         failed("argocd_oci_get_tags_fail_total", "OCI get tags"),
		},
		pending: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "argocd_repo_pending_request_total", Help: "Number of requests to repositories that are under way.",
		}, []string{"repo"}),
		names: newBounded(maxRepositories),
	}
}

func (r *repositories) collectors() []prometheus.Collector {
	all := []prometheus.Collector{r.git.total, r.git.took, r.oci.total, r.oci.took, r.web.total, r.web.took, r.pending}
	for _, f := range r.failed {
		all = append(all, f)
	}
	return all
}

// GitAsked counts a request to a Git server, "ls-remote" or "fetch", from now until
// the function is called with its outcome.
func (m *Metrics) GitAsked(repo, request string) func(error) {
	r := m.repositories
	return r.begin(r.git, r.failed["git "+request], repo, request)
}

// RegistryAsked counts a request to a registry, a Helm repository or for a file,
// "resolve-revision", "get-tags" or "extract", likewise.
func (m *Metrics) RegistryAsked(repo, request string) func(error) {
	r := m.repositories
	if strings.HasPrefix(repo, "oci://") {
		return r.begin(r.oci, r.failed["oci "+request], repo, request)
	}
	return r.begin(r.web, nil, repo, request)
}

// begin counts a request. That failures have no revision as label is on purpose:
// each commit would be a series for ever.
func (r *repositories) begin(in asked, failed *prometheus.CounterVec, repo, request string) func(error) {
	repo = r.names.of(clipped(repo))
	begun, pending := time.Now(), r.pending.WithLabelValues(repo)
	pending.Inc()
	return func(err error) {
		pending.Dec()
		in.total.WithLabelValues(repo, request).Inc()
		in.took.WithLabelValues(repo, request).Observe(time.Since(begun).Seconds())
		if err != nil && failed != nil {
			failed.With(failedOf(repo, request)).Inc()
		}
	}
}

// failedOf are the labels of a failure: as Argo CD has it, lists of tags have no revision.
func failedOf(repo, request string) prometheus.Labels {
	if request == "get-tags" {
		return prometheus.Labels{"repo": repo}
	}
	return prometheus.Labels{"repo": repo, "revision": ""}
}
