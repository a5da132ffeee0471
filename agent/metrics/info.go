package metrics

import (
	"regexp"
	"slices"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/git"
)

// applications are the series of each Application, made at the scrape.
type applications struct {
	from   Sources
	labels *prometheus.Desc // nil if none are asked for
}

var (
	infoDesc = prometheus.NewDesc("argocd_app_info", "Information about application.", with(appLabels,
		"autosync_enabled", "repo", "dest_server", "dest_namespace", "sync_status", "health_status", "operation",
	), nil)
	conditionDesc = prometheus.NewDesc("argocd_app_condition", "Report application conditions.", with(appLabels, "condition"), nil)
	orphansDesc   = prometheus.NewDesc("argocd_app_orphaned_resources_count", "Number of orphaned resources per application.", appLabels, nil)
	driftedDesc   = prometheus.NewDesc("tidelock_app_out_of_sync_objects", "Number of objects of an Application that are not as Git says; none if it has no series.", appLabels, nil)
)

func newApplications(from Sources) *applications {
	a := &applications{from: from}
	if len(from.Labels) > 0 {
		names := appLabels
		for _, label := range from.Labels {
			names = with(names, labelName(label))
		}
		a.labels = prometheus.NewDesc("argocd_app_labels", "Argo Application labels converted to Prometheus labels", names, nil)
	}
	return a
}

var notInLabels = regexp.MustCompile(`[^a-zA-Z0-9_]`)

// labelName is the name that Argo CD gives a label in its metrics.
func labelName(label string) string { return "label_" + notInLabels.ReplaceAllString(label, "_") }

// Describe and Collect make it a prometheus.Collector.
func (a *applications) Describe(out chan<- *prometheus.Desc) {
	out <- infoDesc
	out <- conditionDesc
	out <- orphansDesc
	out <- driftedDesc
	if a.labels != nil {
		out <- a.labels
	}
}

func (a *applications) Collect(out chan<- prometheus.Metric) {
	for _, app := range a.from.Applications() {
		of := func(desc *prometheus.Desc, value float64, more ...string) {
			values := with([]string{app.Namespace, app.Name, app.Spec.ProjectName()}, more...)
			out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, values...)
		}
		of(infoDesc, 1, about(app)...)
		if n, asked := a.from.Orphans(app); asked {
			of(orphansDesc, float64(n))
		}
		if n := outOfSync(app); n > 0 {
			of(driftedDesc, float64(n))
		}
		for kind, n := range a.conditions(app) {
			of(conditionDesc, float64(n), string(kind))
		}
		if a.labels != nil {
			of(a.labels, 1, a.valuesOf(app)...)
		}
	}
}

// about are the labels of argocd_app_info that are its own.
func about(app *api.Application) []string {
	repo := ""
	if sources := app.Spec.AllSources(); len(sources) > 0 {
		repo = git.Repo{URL: sources[0].RepoURL}.String()
	}
	to := app.Spec.Destination.Resolved()
	return []string{
		strconv.FormatBool(app.Spec.SyncPolicy.IsAutomated()), repo, to.Server, to.Namespace,
		known(string(app.Status.Sync.Status)), known(string(app.Status.Health.Status)), operation(app),
	}
}

func known(status string) string {
	if status == "" {
		return "Unknown"
	}
	return status
}

func operation(app *api.Application) string {
	switch {
	case app.DeletionTimestamp != nil:
		return "delete"
	case app.Operation != nil && app.Operation.Sync != nil,
		app.Status.OperationState != nil && !app.Status.OperationState.Phase.Completed():
		return "sync"
	}
	return ""
}

// conditions counts those of an Application by type.
func (a *applications) conditions(app *api.Application) map[api.ConditionType]int {
	var count map[api.ConditionType]int
	for _, c := range app.Status.Conditions {
		if !slices.Contains(a.from.Conditions, "*") && !slices.Contains(a.from.Conditions, string(c.Type)) {
			continue
		}
		if count == nil {
			count = map[api.ConditionType]int{}
		}
		count[c.Type]++
	}
	return count
}

func (a *applications) valuesOf(app *api.Application) []string {
	values := make([]string, len(a.from.Labels))
	for i, label := range a.from.Labels {
		values[i] = app.Labels[label]
	}
	return values
}

func outOfSync(app *api.Application) int {
	n := 0
	for _, r := range app.Status.Resources {
		if r.Status == api.SyncCodeOutOfSync {
			n++
		}
	}
	return n
}
