package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/tidelock-io/tidelock/agent/api"
)

// sets is argocd_appset_*, of each ApplicationSet, made at the scrape.
type sets struct {
	list func() []*api.ApplicationSet
}

var setLabels = []string{"namespace", "name"}

var (
	setInfoDesc = prometheus.NewDesc("argocd_appset_info", "Information about applicationset", with(setLabels, "resource_update_status"), nil)
	rollingDesc = prometheus.NewDesc("argocd_appset_progressive_sync_app_status", "Count of apps per status (Waiting/Pending/Progressing/Healthy) per step", with(setLabels, "step", "progressiveStatus"), nil)
	ownedDesc   = prometheus.NewDesc("argocd_appset_owned_applications", "Number of applications owned by the applicationset", setLabels, nil)
)

// newSetPasses is argocd_appset_reconcile.
func newSetPasses() *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "argocd_appset_reconcile", Help: "Application reconciliation performance in seconds.",
	}, setLabels)
}

// SetPassed counts a pass over an ApplicationSet. Of one that is gone nothing is left.
func (m *Metrics) SetPassed(namespace, name string, took time.Duration, gone bool) {
	if gone {
		m.setPasses.DeleteLabelValues(namespace, name)
		return
	}
	m.setPasses.WithLabelValues(namespace, name).Observe(took.Seconds())
}

// Describe and Collect make it a prometheus.Collector.
func (sets) Describe(out chan<- *prometheus.Desc) {
	out <- setInfoDesc
	out <- ownedDesc
	out <- rollingDesc
}

func (s sets) Collect(out chan<- prometheus.Metric) {
	for _, set := range s.list() {
		out <- prometheus.MustNewConstMetric(setInfoDesc, prometheus.GaugeValue, 1, set.Namespace, set.Name, updateStatus(set))
		owned := max(int64(len(set.Status.Resources)), set.Status.ResourcesCount)
		out <- prometheus.MustNewConstMetric(ownedDesc, prometheus.GaugeValue, float64(owned), set.Namespace, set.Name)
		collectRolling(set, out)
	}
}

// collectRolling counts the Applications of a rolling sync by their steps, and how far
// they are.
func collectRolling(set *api.ApplicationSet, out chan<- prometheus.Metric) {
	type state struct{ step, status string }
	counts := map[state]int{}
	for _, app := range set.Status.ApplicationStatus {
		counts[state{app.Step, string(app.Status)}]++
	}
	for at, n := range counts {
		out <- prometheus.MustNewConstMetric(rollingDesc, prometheus.GaugeValue, float64(n), set.Namespace, set.Name, at.step, at.status)
	}
}

// updateStatus is the reason of the condition that says whether the Applications
// are up to date.
func updateStatus(set *api.ApplicationSet) string {
	for _, c := range set.Status.Conditions {
		if c.Type == api.ApplicationSetResourcesUpToDate {
			return known(c.Reason)
		}
	}
	return known("")
}
