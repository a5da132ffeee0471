package metrics

import (
	"strconv"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/project"
)

// applications are the series of each Application, made at the scrape.
type applications struct {
	from Sources
	tell *atomic.Pointer[telling]
}

var (
	infoDesc = prometheus.NewDesc("argocd_app_info", "Information about application.", with(appLabels,
		"autosync_enabled", "repo", "dest_server", "dest_namespace", "sync_status", "health_status", "operation",
	), nil)
	conditionDesc = prometheus.NewDesc("argocd_app_condition", "Report application conditions.", with(appLabels, "condition"), nil)
	orphansDesc   = prometheus.NewDesc("argocd_app_orphaned_resources_count", "Number of orphaned resources per application.", appLabels, nil)
	driftedDesc   = prometheus.NewDesc("tidelock_app_out_of_sync_objects", "Number of objects of an Application that are not as Git says; none if it has no series.", appLabels, nil)
)

// Describe and Collect make it a prometheus.Collector.
func (a *applications) Describe(out chan<- *prometheus.Desc) {
	out <- infoDesc
	out <- conditionDesc
	out <- orphansDesc
	out <- driftedDesc
}

func (a *applications) Collect(out chan<- prometheus.Metric) {
	tell := a.tell.Load()
	for _, app := range a.from.Applications() {
		of := func(desc *prometheus.Desc, value float64, more ...string) {
			values := with([]string{app.Namespace, app.Name, clipped(app.Spec.ProjectName())}, more...)
			out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, values...)
		}
		of(infoDesc, 1, about(app, a.from.server(app))...)
		if n, asked := a.from.Orphans(app); asked {
			of(orphansDesc, float64(n))
		}
		if n := outOfSync(app); n > 0 {
			of(driftedDesc, float64(n))
		}
		for kind, n := range tell.count(app) {
			of(conditionDesc, float64(n), clipped(string(kind)))
		}
	}
}

// about are the labels of argocd_app_info that are its own.
func about(app *api.Application, server string) []string {
	repo := ""
	if sources := app.Spec.AllSources(); len(sources) > 0 {
		repo = project.Address(sources[0].RepoURL)
	}
	return []string{
		strconv.FormatBool(app.Spec.SyncPolicy.IsAutomated()), clipped(repo), clipped(server), clipped(app.Spec.Destination.Namespace),
		clipped(known(string(app.Status.Sync.Status))), clipped(known(string(app.Status.Health.Status))), operation(app),
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

func outOfSync(app *api.Application) int {
	n := 0
	for _, r := range app.Status.Resources {
		if r.Status == api.SyncCodeOutOfSync {
			n++
		}
	}
	return n
}
