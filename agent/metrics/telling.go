package metrics

import (
	"fmt"
	"regexp"
	"slices"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/tidelock-io/tidelock/agent/api"
	"k8s.io/apimachinery/pkg/util/validation"
)

// A telling is which labels and which conditions of Applications are told.
type telling struct {
	labels, conditions []string
	desc               *prometheus.Desc // of argocd_app_labels; nil if no labels are asked for
}

// Tell has other labels and types of conditions be told from now on: see Sources.
func (m *Metrics) Tell(labels, conditions []string) { m.telling.Store(newTelling(labels, conditions)) }

func newTelling(labels, conditions []string) *telling {
	t := &telling{labels: labels, conditions: conditions}
	if len(labels) > 0 {
		names := appLabels
		for _, label := range labels {
			names = with(names, LabelName(label))
		}
		t.desc = prometheus.NewDesc("argocd_app_labels", "Argo Application labels converted to Prometheus labels", names, nil)
	}
	return t
}

var notInLabels = regexp.MustCompile(`[^a-zA-Z0-9_]`)

// LabelName is the name that Argo CD gives a label in its metrics.
func LabelName(label string) string { return "label_" + notInLabels.ReplaceAllString(label, "_") }

// CheckLabels wants names of labels that are still different ones as Prometheus' labels.
func CheckLabels(labels []string) error {
	seen := map[string]string{}
	for _, label := range labels {
		if wrong := validation.IsQualifiedName(label); len(wrong) > 0 {
			return fmt.Errorf("%.80q is no name of a label: %s", label, wrong[0])
		}
		name := LabelName(label)
		if other, ok := seen[name]; ok {
			return fmt.Errorf("%.80q would be %s in metrics, as %.80q is", label, name, other)
		}
		seen[name] = label
	}
	return nil
}

// count counts the conditions of an Application by type.
func (t *telling) count(app *api.Application) map[api.ConditionType]int {
	var count map[api.ConditionType]int
	for _, c := range app.Status.Conditions {
		if !slices.Contains(t.conditions, "*") && !slices.Contains(t.conditions, string(c.Type)) {
			continue
		}
		if count == nil {
			count = map[api.ConditionType]int{}
		}
		count[c.Type]++
	}
	return count
}

func (t *telling) valuesOf(app *api.Application) []string {
	values := make([]string, len(t.labels))
	for i, label := range t.labels {
		values[i] = app.Labels[label]
	}
	return values
}

// labelled are the series of argocd_app_labels. What labels they have may change, which
// is why it describes nothing: the registry checks at each scrape.
type labelled struct {
	applications func() []*api.Application
	tell         *atomic.Pointer[telling]
}

// Describe and Collect make it a prometheus.Collector.
func (labelled) Describe(chan<- *prometheus.Desc) {}

func (l labelled) Collect(out chan<- prometheus.Metric) {
	tell := l.tell.Load()
	if tell.desc == nil {
		return
	}
	for _, app := range l.applications() {
		values := with([]string{app.Namespace, app.Name, app.Spec.ProjectName()}, tell.valuesOf(app)...)
		out <- prometheus.MustNewConstMetric(tell.desc, prometheus.GaugeValue, 1, values...)
	}
}
