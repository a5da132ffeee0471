package install

// serviceMonitor has Prometheus read the metrics.
func (o Options) serviceMonitor() Object {
	return o.prometheus("ServiceMonitor", map[string]any{
		"selector":  map[string]any{"matchLabels": anyLabels(selector())},
		"endpoints": []any{map[string]any{"port": metricsPort, "interval": "30s"}},
	})
}

// An alert is a rule of Prometheus, after those that people have for Argo CD.
type alert struct {
	name, expr string
	after      string // a duration of Prometheus
	severity   string
	summary    string
}

// alerts use the names of Argo CD's metrics (SEMANTICS.md 2.12), so those that people
// have go on working beside them.
var alerts = []alert{
	{"TidelockOutOfSync", `argocd_app_info{sync_status="OutOfSync"} == 1`, "10m", "warning",
		"Application {{ $labels.name }} has not been as Git says for ten minutes"},
	{"TidelockUnknown", `argocd_app_info{sync_status="Unknown"} == 1`, "10m", "warning",
		"it cannot be told whether Application {{ $labels.name }} is as Git says"},
	{"TidelockUnhealthy", `argocd_app_info{health_status!~"Healthy|Suspended|Unknown"} == 1`, "5m", "critical",
		"Application {{ $labels.name }} is {{ $labels.health_status }}"},
	{"TidelockSyncFailing", `sum by (namespace, name) (increase(argocd_app_sync_total{phase=~"Error|Failed"}[15m])) > 0`, "0s", "warning",
		"a sync of Application {{ $labels.name }} has failed"},
	{"TidelockAbsent", `absent(argocd_app_info)`, "10m", "critical",
		"no agent tells of any Application"},
}

// rules are the alerts.
func (o Options) rules() Object {
	var all []any
	for _, a := range alerts {
		all = append(all, map[string]any{
			"alert": a.name, "expr": a.expr, "for": a.after,
			"labels": map[string]any{"severity": a.severity}, "annotations": map[string]any{"summary": a.summary},
		})
	}
	return o.prometheus("PrometheusRule", map[string]any{"groups": []any{map[string]any{"name": Name, "rules": all}}})
}

// prometheus is an object of the Prometheus operator's kinds.
func (o Options) prometheus(kind string, spec map[string]any) Object {
	return Object{
		"apiVersion": "monitoring.coreos.com/v1", "kind": kind,
		"metadata": map[string]any{"name": Name, "namespace": o.Namespace, "labels": anyLabels(labels())},
		"spec":     spec,
	}
}

func anyLabels(labels map[string]string) map[string]any {
	all := map[string]any{}
	for key, value := range labels {
		all[key] = value
	}
	return all
}
