package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/tidelock-io/tidelock/agent/api"
)

// orphans is argocd_app_orphaned_resources_count: one series for each Application
// whose project asks for it, made at the scrape.
type orphans struct {
	applications func() []*api.Application
	count        func(*api.Application) (int, bool)
}

var orphansDesc = prometheus.NewDesc("argocd_app_orphaned_resources_count", "Number of orphaned resources per application.",
	[]string{"namespace", "name", "project"}, nil)

func (orphans) Describe(out chan<- *prometheus.Desc) { out <- orphansDesc }

func (o orphans) Collect(out chan<- prometheus.Metric) {
	for _, app := range o.applications() {
		if n, asked := o.count(app); asked {
			out <- prometheus.MustNewConstMetric(orphansDesc, prometheus.GaugeValue, float64(n), app.Namespace, app.Name, app.Spec.ProjectName())
		}
	}
}
