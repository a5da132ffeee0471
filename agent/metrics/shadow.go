package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/tidelock-io/tidelock/agent/shadow"
)

// shadows is what an agent that looks on at Argo CD has found, made at the scrape.
type shadows struct {
	report func() shadow.Report
}

var (
	shadowCountDesc   = prometheus.NewDesc("tidelock_shadow_applications", "Applications and ApplicationSets by what came of the comparison with Argo CD.", []string{"outcome"}, nil)
	shadowInfoDesc    = prometheus.NewDesc("tidelock_shadow_application_info", "What came of the comparison of an Application with what Argo CD says of it.", []string{"namespace", "name", "outcome"}, nil)
	shadowDiffersDesc = prometheus.NewDesc("tidelock_shadow_differences", "In how much an Application differs from what Argo CD says of it, but by design.", []string{"namespace", "name"}, nil)
	shadowRefusedDesc = prometheus.NewDesc("tidelock_shadow_refused_writes_total", "Requests that would have written and were kept from leaving the process.", nil, nil)
)

// Describe and Collect make it a prometheus.Collector.
func (shadows) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{shadowCountDesc, shadowInfoDesc, shadowDiffersDesc, shadowRefusedDesc} {
		out <- desc
	}
}

func (s shadows) Collect(out chan<- prometheus.Metric) {
	report := s.report()
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	for outcome, count := range map[shadow.Outcome]int{
		shadow.Same: report.Summary.Same, shadow.ByDesign: report.Summary.ByDesign,
		shadow.Pending: report.Summary.Pending, shadow.Differs: report.Summary.Differs,
	} {
		gauge(shadowCountDesc, float64(count), string(outcome))
	}
	for _, a := range report.Applications {
		gauge(shadowInfoDesc, 1, a.Namespace, a.Name, string(a.Outcome))
		gauge(shadowDiffersDesc, float64(len(a.Differences)), a.Namespace, a.Name)
	}
	out <- prometheus.MustNewConstMetric(shadowRefusedDesc, prometheus.CounterValue, float64(report.Refused))
}
