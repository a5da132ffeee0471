package metrics

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/git"
)

// info is argocd_app_info: one series for each Application, made at the scrape.
type info struct {
	applications func() []*api.Application
}

var infoDesc = prometheus.NewDesc("argocd_app_info", "Information about application.", []string{
	"namespace", "name", "project", "autosync_enabled", "repo", "dest_server", "dest_namespace",
	"sync_status", "health_status", "operation",
}, nil)

func (info) Describe(out chan<- *prometheus.Desc) { out <- infoDesc }

func (i info) Collect(out chan<- prometheus.Metric) {
	for _, app := range i.applications() {
		out <- prometheus.MustNewConstMetric(infoDesc, prometheus.GaugeValue, 1, labels(app)...)
	}
}

func labels(app *api.Application) []string {
	repo := ""
	if sources := app.Spec.AllSources(); len(sources) > 0 {
		repo = git.Repo{URL: sources[0].RepoURL}.String()
	}
	to := app.Spec.Destination.Resolved()
	return []string{
		app.Namespace, app.Name, app.Spec.ProjectName(), strconv.FormatBool(app.Spec.SyncPolicy.IsAutomated()),
		repo, to.Server, to.Namespace, known(string(app.Status.Sync.Status)), known(string(app.Status.Health.Status)),
		operation(app),
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
