package install

// An alert is a rule of Prometheus, after those that people have for Argo CD.
type alert struct {
	name, expr string
	after      string // a duration of Prometheus
	severity   string
	summary    string
	// todo is what whoever reads it can do next.
	todo string
}

// alerts use the names of Argo CD's metrics (SEMANTICS.md 2.12), so those that people
// have go on working beside them. What examples/monitoring/tests.yaml says of them is
// tested.
var alerts = []alert{
	{
		"TidelockOutOfSync", `argocd_app_info{sync_status="OutOfSync"} == 1`, "10m", "warning",
		"Application {{ $labels.name }} has not been as Git says for ten minutes",
		"tidelock why {{ $labels.name }} says which fields differ, and what it waits for",
	},
	{
		"TidelockUnknown", `argocd_app_info{sync_status="Unknown"} == 1`, "10m", "warning",
		"it cannot be told whether Application {{ $labels.name }} is as Git says",
		"tidelock why {{ $labels.name }} says what cannot be read or rendered",
	},
	{
		"TidelockUnhealthy", `argocd_app_info{health_status!~"Healthy|Suspended|Unknown"} == 1`, "5m", "critical",
		"Application {{ $labels.name }} is {{ $labels.health_status }}",
		"tidelock why {{ $labels.name }} names the objects",
	},
	{
		"TidelockSyncFailing", `sum by (namespace, name) (increase(argocd_app_sync_total{phase=~"Error|Failed"}[15m])) > 0`, "0s", "warning",
		"a sync of Application {{ $labels.name }} has failed",
		"tidelock history {{ $labels.name }} says of which commit, and why",
	},
	{
		"TidelockCondition", `argocd_app_condition{condition=~".+Error"} > 0`, "15m", "warning",
		"Application {{ $labels.name }} has had a {{ $labels.condition }} for a quarter of an hour",
		"it may be a deletion that is held until somebody approves: tidelock why {{ $labels.name }}",
	},
	{
		"TidelockDriftsAgain", `sum by (namespace, name) (increase(tidelock_app_drifts_total[1h])) > 30`, "0s", "warning",
		"somebody changes objects of Application {{ $labels.name }} again and again",
		"tidelock why {{ $labels.name }} names who; let them, by ignoreDifferences, or have them stop",
	},
	{
		"TidelockSecretsNotOpened", `sum by (namespace, name, kind) (increase(tidelock_secret_uses_total{outcome="failure"}[15m])) > 0`, "15m", "warning",
		"secrets of Application {{ $labels.name }} cannot be opened",
		"the Events of the Application name the file and its keys, or the store",
	},
	{
		"TidelockRepositoryUnreachable",
		`sum by (repo) (increase(argocd_git_lsremote_fail_total[15m])) / sum by (repo) (increase(argocd_git_request_total{request_type="ls-remote"}[15m])) > 0.9`,
		"15m", "warning",
		"{{ $labels.repo }} cannot be read, so nothing new of it is seen",
		"look at its credentials and its server; what is applied stays",
	},
	{
		"TidelockClusterUnreachable", `argocd_cluster_connection_status == 0`, "5m", "critical",
		"the cluster {{ $labels.server }} does not answer",
		"nothing is deleted for it, and nothing is written until it does",
	},
	{
		"TidelockStuck", `workqueue_longest_running_processor_seconds{name="app_reconciliation_queue"} > 660`, "5m", "critical",
		"a look at an Application has taken longer than it ever may",
		"tidelock support-bundle keeps what is needed to find out why; then restart the agent",
	},
	{
		"TidelockPluginsDie", `increase(tidelock_plugin_deaths_total[15m]) > 3`, "0s", "warning",
		"plugins that render or decrypt end by themselves",
		"the agent's log names them; often it is their limit of memory",
	},
	{
		"TidelockMemory", `process_resident_memory_bytes / on (instance, job) (tidelock_memory_limit_bytes > 0) > 0.9`, "15m", "warning",
		"the agent uses more than nine tenths of the memory that it may",
		"raise resources.limits.memory of its Deployment",
	},
	{
		"TidelockSettingsInvalid", `max by (instance, job) (tidelock_settings_invalid) > 0`, "10m", "warning",
		"settings of the agent cannot be read, and it works by those that were there before",
		"an Event of the ConfigMap names them: kubectl get events --field-selector reason=SettingsInvalid -A; with them the agent would not start again",
	},
	{
		"TidelockForgedWebhooks", `sum by (provider) (increase(tidelock_webhooks_total{outcome="forged"}[15m])) > 10`, "0s", "warning",
		"webhooks that look like {{ $labels.provider }}'s have no signature, or a wrong one",
		"is the secret in argocd-secret the one that the server has?",
	},
	{
		"TidelockAbsent", `absent(argocd_app_info)`, "10m", "critical",
		"no agent tells of any Application",
		"is its Deployment running, and does its /readyz say why not?",
	},
}

// Rules are the alerts as Prometheus reads them from a file.
func Rules() Object {
	var all []any
	for _, a := range alerts {
		all = append(all, map[string]any{
			"alert": a.name, "expr": a.expr, "for": a.after,
			"labels": map[string]any{"severity": a.severity}, "annotations": map[string]any{"summary": a.summary, "description": a.todo},
		})
	}
	return Object{"groups": []any{map[string]any{"name": Name, "rules": all}}}
}
