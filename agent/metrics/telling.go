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

// A Telling is what is told only if somebody asks for it: labels of Applications,
// ApplicationSets and the Secrets of clusters, by argocd_app_labels, argocd_appset_labels
// and argocd_cluster_labels, and the types of conditions of Applications, by
// argocd_app_condition; "*" is all.
type Telling struct {
	ApplicationLabels, SetLabels, ClusterLabels, Conditions []string
}

// A telling is a Telling with what it comes to.
type telling struct {
	apps, sets, clusters *labels
	conditions           []string
}

// labels are those of one kind of object that are told.
type labels struct {
	names []string
	desc  *prometheus.Desc
}

// Tell has other labels and types of conditions be told from now on.
func (m *Metrics) Tell(t Telling) {
	m.telling.Store(&telling{
		apps:       newLabels("argocd_app_labels", "Argo Application labels converted to Prometheus labels", appLabels, t.ApplicationLabels),
		sets:       newLabels("argocd_appset_labels", "Applicationset labels translated to Prometheus labels", setLabels, t.SetLabels),
		clusters:   newLabels("argocd_cluster_labels", "Argo Cluster labels converted to Prometheus labels", with(clusterLabels, "name"), t.ClusterLabels),
		conditions: t.Conditions,
	})
}

// newLabels is nil if there are none.
func newLabels(metric, help string, of, names []string) *labels {
	if len(names) == 0 {
		return nil
	}
	for _, name := range names {
		of = with(of, LabelName(name))
	}
	return &labels{names, prometheus.NewDesc(metric, help, of, nil)}
}

// collect makes the series of one object.
func (l *labels) collect(out chan<- prometheus.Metric, of map[string]string, identity ...string) {
	if l == nil {
		return
	}
	values := identity
	for _, name := range l.names {
		values = with(values, clipped(of[name]))
	}
	out <- prometheus.MustNewConstMetric(l.desc, prometheus.GaugeValue, 1, values...)
}

// describe tells of those that are told now.
func (t *telling) describe(out chan<- *prometheus.Desc) {
	for _, l := range []*labels{t.apps, t.sets, t.clusters} {
		if l != nil {
			out <- l.desc
		}
	}
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

// labelled are the series of labels. Which ones they have may change, which is why it
// describes nothing: the registry checks at each scrape.
type labelled struct {
	from Sources
	tell *atomic.Pointer[telling]
}

// Describe and Collect make it a prometheus.Collector.
func (labelled) Describe(chan<- *prometheus.Desc) {}

func (l labelled) Collect(out chan<- prometheus.Metric) {
	tell := l.tell.Load()
	if tell.apps != nil {
		for _, app := range l.from.Applications() {
			tell.apps.collect(out, app.Labels, app.Namespace, app.Name, clipped(app.Spec.ProjectName()))
		}
	}
	if tell.sets != nil && l.from.ApplicationSets != nil {
		for _, set := range l.from.ApplicationSets() {
			tell.sets.collect(out, set.Labels, set.Namespace, set.Name)
		}
	}
	if tell.clusters != nil && l.from.Clusters != nil {
		for _, c := range l.from.Clusters() {
			if c.Labels != nil { // as Argo CD has it: the agent's own may have no Secret
				tell.clusters.collect(out, c.Labels, c.Server, c.Name)
			}
		}
	}
}
