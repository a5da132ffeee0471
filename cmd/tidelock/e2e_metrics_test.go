package main

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// metricVerbs are those of stories about metrics.
var metricVerbs = []verb{
	{"exposed SERIES...: the agent's metrics are those that are listed, as Argo CD has them; what rules and dashboards ask for is there; and so are these, such as argocd_app_info{name=\"shop\"}", 0, -1, (*scene).exposed},
}

// argoTypes are the types of Argo CD's metrics: controller/metrics, reposerver/metrics,
// applicationset/metrics and util/metrics/kubectl have them.
var argoTypes = map[dto.MetricType]string{
	dto.MetricType_GAUGE: `argocd_app_info argocd_app_condition argocd_app_labels argocd_app_orphaned_resources_count
		argocd_appset_info argocd_appset_labels argocd_appset_owned_applications
		argocd_cluster_info argocd_cluster_labels argocd_cluster_connection_status argocd_cluster_api_resources
		argocd_cluster_api_resource_objects argocd_cluster_cache_age_seconds
		argocd_kubectl_exec_pending argocd_repo_pending_request_total argocd_resource_events_processed_in_batch`,
	dto.MetricType_COUNTER: `argocd_app_sync_total argocd_app_sync_duration_seconds_total argocd_app_k8s_request_total
		argocd_cluster_events_total argocd_kubectl_exec_total argocd_kubectl_requests_total argocd_kubectl_exec_plugin_call_total
		argocd_git_request_total argocd_git_fetch_fail_total argocd_git_lsremote_fail_total
		argocd_oci_request_total argocd_oci_extract_fail_total argocd_oci_resolve_revision_fail_total argocd_oci_get_tags_fail_total
		argocd_notifications_deliveries_total argocd_notifications_trigger_eval_total`,
	dto.MetricType_HISTOGRAM: `argocd_app_reconcile argocd_appset_reconcile argocd_resource_events_processing
		argocd_kubectl_request_duration_seconds argocd_kubectl_request_size_bytes argocd_kubectl_response_size_bytes
		argocd_kubectl_dns_resolution_duration_seconds argocd_repo_parallelism_wait_duration_seconds
		argocd_git_request_duration_seconds argocd_oci_request_duration_seconds`,
}

// argoType is the type of a metric of Argo CD.
func argoType(name string) (dto.MetricType, bool) {
	for kind, names := range argoTypes {
		if slices.Contains(strings.Fields(names), name) {
			return kind, true
		}
	}
	return 0, false
}

// later are metrics that rules and dashboards ask for and that are not there in every
// story: a series begins when what it counts happens for the first time.
var later = map[string]string{
	"argocd_app_condition":              "of conditions",
	"argocd_git_fetch_fail_total":       "of failures",
	"argocd_git_lsremote_fail_total":    "of failures",
	"argocd_oci_request_total":          "of registries",
	"argocd_redis_request_total":        "there is no Redis: never",
	"tidelock_app_drifts_total":         "of drifts",
	"tidelock_app_out_of_sync_objects":  "of drifts",
	"tidelock_push_to_applied_seconds":  "of commits that came while the agent was there",
	"tidelock_repository_request_total": "of Helm repositories",
	"tidelock_secret_uses_total":        "of secrets",
	"tidelock_webhooks_total":           "of webhooks",
}

func (s *scene) exposed(args []string) error {
	text, err := s.agent.MetricsText(s.ctx)
	if err != nil {
		return err
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return err
	}
	listed, err := listedMetrics()
	if err != nil {
		return err
	}
	var wrong []error
	for _, name := range slices.Sorted(maps.Keys(families)) {
		wrong = append(wrong, asListed(families[name], listed))
	}
	asked, err := askedMetrics()
	if err != nil {
		return err
	}
	for _, name := range asked {
		if families[name] == nil && later[name] == "" {
			wrong = append(wrong, fmt.Errorf("%s is asked for by rules or dashboards, and is not exposed", name))
		}
	}
	for _, series := range args {
		if !s.has(families, series) {
			wrong = append(wrong, fmt.Errorf("there is no %s", series))
		}
	}
	return errors.Join(wrong...)
}

// listedMetrics reads examples/monitoring/metrics.txt: the labels of each metric.
func listedMetrics() (map[string][]string, error) {
	text, err := monitoring("metrics.txt")
	listed := map[string][]string{}
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(line, "{")
		labels, _, _ := strings.Cut(rest, "}")
		listed[name] = strings.FieldsFunc(labels, func(r rune) bool { return r == ',' })
	}
	return listed, err
}

// monitoring reads files of examples/monitoring.
func monitoring(names ...string) (all string, err error) {
	root, err := testenv.Root()
	if err != nil {
		return "", err
	}
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(root, "examples", "monitoring", filepath.FromSlash(name)))
		if err != nil {
			return "", err
		}
		all += string(text)
	}
	return all, nil
}

var metricNames = regexp.MustCompile(`\b(?:argocd|tidelock|workqueue)_[a-z0-9_]+`)

// askedMetrics are the metrics that rules and dashboards ask for, Argo CD's own among
// them.
func askedMetrics() ([]string, error) {
	text, err := monitoring("rules.yaml", "dashboard.json", "testdata/argocd-dashboard.txt")
	var names []string
	for _, name := range metricNames.FindAllString(text, -1) {
		for _, part := range []string{"_bucket", "_sum", "_count"} {
			name = strings.TrimSuffix(name, part)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names), err
}

// asListed wants a metric as it is listed, and as Argo CD has it.
func asListed(family *dto.MetricFamily, listed map[string][]string) error {
	name := family.GetName()
	if strings.HasPrefix(name, "go_") {
		return nil // of any program in Go
	}
	labels, ok := listed[name]
	if !ok {
		return fmt.Errorf("%s is not listed in examples/monitoring/metrics.txt", name)
	}
	if strings.HasPrefix(name, "argocd_") {
		if kind, ok := argoType(name); !ok || family.GetType() != kind {
			return fmt.Errorf("%s is a %s, which it is not in Argo CD", name, family.GetType())
		}
	}
	for _, metric := range family.GetMetric() {
		var has []string
		for _, pair := range metric.GetLabel() {
			if !strings.HasPrefix(pair.GetName(), "label_") {
				has = append(has, pair.GetName())
			}
		}
		want := slices.DeleteFunc(slices.Sorted(slices.Values(labels)), func(label string) bool { return strings.HasPrefix(label, "label_") })
		if slices.Sort(has); !slices.Equal(has, want) {
			return fmt.Errorf("%s has labels %s, listed are %s", name, has, want)
		}
	}
	return nil
}

// seriesForm reads a series: its name and, between braces, its labels.
var seriesForm = regexp.MustCompile(`^([a-z0-9_]+)(?:\{(.*)\})?$`)

// has says whether there is a series, of which not all labels have to be named.
func (s *scene) has(families map[string]*dto.MetricFamily, series string) bool {
	parts := seriesForm.FindStringSubmatch(series)
	if parts == nil {
		s.ts.Fatalf("exposed: %s is no series", series)
	}
	for _, metric := range families[parts[1]].GetMetric() {
		var pairs []string
		for _, pair := range metric.GetLabel() {
			pairs = append(pairs, fmt.Sprintf("%s=%q", pair.GetName(), pair.GetValue()))
		}
		wanted := strings.FieldsFunc(parts[2], func(r rune) bool { return r == ',' })
		if !slices.ContainsFunc(wanted, func(want string) bool { return !slices.Contains(pairs, want) }) {
			return true
		}
	}
	return false
}
