package install

// serviceMonitor has Prometheus read the metrics.
func (o Options) serviceMonitor() Object {
	return o.prometheus("ServiceMonitor", map[string]any{
		"selector":  map[string]any{"matchLabels": anyLabels(selector())},
		"endpoints": []any{map[string]any{"port": metricsPort, "interval": "30s"}},
	})
}

// rules are the alerts.
func (o Options) rules() Object { return o.prometheus("PrometheusRule", Rules()) }

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
