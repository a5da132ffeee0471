package monitoring

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

var promQL = parser.NewParser(parser.Options{})

// served reads metrics.txt: the labels of each metric.
func served(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("metrics.txt")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		name, rest, _ := strings.Cut(line, "{")
		labels, _, ok := strings.Cut(rest, "}")
		if !ok {
			t.Fatalf("metrics.txt: cannot read %q", line)
		}
		all[name] = strings.FieldsFunc(labels, func(r rune) bool { return r == ',' })
	}
	for _, name := range []string{"go_goroutines", "go_memstats_heap_inuse_bytes", "go_memstats_heap_alloc_bytes"} {
		all[name] = nil // of any program in Go
	}
	all["go_gc_duration_seconds"] = []string{"quantile"} // likewise
	return all
}

// ofTarget are labels that Prometheus adds by itself, and those of histograms.
var ofTarget = []string{"job", "instance", "le", model.MetricNameLabel}

// faults are what an expression names that is not served.
func faults(t *testing.T, metrics map[string][]string, expr string) []string {
	t.Helper()
	parsed, err := promQL.ParseExpr(expr)
	if err != nil {
		return []string{err.Error()}
	}
	var wrong, known []string
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		labels, ok := labelsOf(metrics, selector.Name)
		if !ok {
			wrong = append(wrong, "no metric "+selector.Name)
		}
		for _, m := range selector.LabelMatchers {
			if !slices.Contains(labels, m.Name) && !slices.Contains(ofTarget, m.Name) {
				wrong = append(wrong, selector.Name+" has no label "+m.Name)
			}
		}
		known = append(known, labels...)
		return nil
	})
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		if sum, ok := node.(*parser.AggregateExpr); ok && !sum.Without {
			for _, label := range sum.Grouping {
				if !slices.Contains(known, label) && !slices.Contains(ofTarget, label) {
					wrong = append(wrong, "nothing has a label "+label)
				}
			}
		}
		return nil
	})
	return wrong
}

// labelsOf are those of a metric, or of the histogram that it is a part of.
func labelsOf(metrics map[string][]string, name string) ([]string, bool) {
	if labels, ok := metrics[name]; ok {
		return labels, true
	}
	for _, part := range []string{"_bucket", "_sum", "_count"} {
		if whole, ok := strings.CutSuffix(name, part); ok {
			labels, ok := metrics[whole]
			return labels, ok
		}
	}
	return nil, false
}

// TestFaults proves that the check can fail.
func TestFaults(t *testing.T) {
	metrics := served(t)
	for expr, want := range map[string]string{
		`argocd_app_info{sync_status="OutOfSync"}`:       "",
		`sum by (le) (argocd_app_reconcile_bucket)`:      "",
		`argocd_app_infos`:                               "no metric argocd_app_infos",
		`argocd_app_info{status="x"}`:                    "argocd_app_info has no label status",
		`sum by (verb) (argocd_app_info)`:                "nothing has a label verb",
		`sum by (name) (argocd_app_info`:                 "1:31: parse error: unclosed left parenthesis",
		`rate(argocd_app_sync_total{phase="Error"}[5m])`: "",
	} {
		if got := strings.Join(faults(t, metrics, expr), "; "); got != want {
			t.Errorf("%s: got %q, want %q", expr, got, want)
		}
	}
}

// TestRules parses the rules as Prometheus does, templates included.
func TestRules(t *testing.T) {
	groups, errs := rulefmt.ParseFile("rules.yaml", false, model.LegacyValidation, promQL, promslog.NewNopLogger())
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	metrics := served(t)
	for _, group := range groups.Groups {
		for _, rule := range group.Rules {
			if wrong := faults(t, metrics, rule.Expr); len(wrong) > 0 {
				t.Errorf("%s: %v", rule.Alert, wrong)
			}
		}
	}
}

// usual are what people's alerts and dashboards for Argo CD ask for.
var usual = []string{
	`argocd_app_info{sync_status="OutOfSync"}`,
	`argocd_app_info{health_status!="Healthy"}`,
	`rate(argocd_app_sync_total{phase="Error"}[5m]) > 0`,
	`sum by (health_status) (argocd_app_info{namespace=~".*", dest_server=~".*", project=~".*", autosync_enabled="false"})`,
	`sum by (dest_server, project, name, phase) (round(increase(argocd_app_sync_total{project=~".*", phase=~"Error|Failed"}[5m])))`,
	`sum by (namespace) (increase(argocd_app_reconcile_count{namespace=~".*", dest_server=~".*"}[5m]))`,
	`sum by (le) (increase(argocd_app_reconcile_bucket{namespace=~".*"}[5m]))`,
	`histogram_quantile(0.95, sum by (le) (rate(argocd_app_reconcile_bucket[5m])))`,
	`sum by (verb, resource_kind) (increase(argocd_app_k8s_request_total{namespace=~".*", project=~".*"}[5m]))`,
	`sum by (command) (argocd_kubectl_exec_pending)`,
	`sum by (server) (argocd_cluster_api_resource_objects)`,
	`sum by (server) (argocd_cluster_api_resources)`,
	`sum by (server) (increase(argocd_cluster_events_total[5m]))`,
	`argocd_cluster_connection_status == 0`,
	`sum by (repo) (increase(argocd_git_request_total{request_type="ls-remote"}[5m]))`,
	`sum by (le) (increase(argocd_git_request_duration_seconds_bucket{request_type="fetch"}[5m]))`,
	`argocd_repo_pending_request_total`,
	`argocd_app_orphaned_resources_count > 0`,
	`argocd_appset_owned_applications`,
	`sum by (name) (workqueue_depth{name=~"app_.*"})`,
	`sum by (code) (rate(argocd_kubectl_requests_total[5m]))`,
}

func TestUsual(t *testing.T) {
	metrics := served(t)
	for _, expr := range usual {
		if wrong := faults(t, metrics, expr); len(wrong) > 0 {
			t.Errorf("%s: %v", expr, wrong)
		}
	}
}

// A panel is one of the dashboard.
type panel struct {
	Title   string   `json:"title"`
	Type    string   `json:"type"`
	GridPos gridPos  `json:"gridPos"`
	Targets []target `json:"targets"`
}

type target struct {
	Expr string `json:"expr"`
}

type gridPos struct{ X, Y, W, H int }

var variable = regexp.MustCompile(`\$\w+`)

// TestDashboard: every query parses and names what there is, every variable is one of
// the dashboard's, and no panel lies on another.
func TestDashboard(t *testing.T) {
	text, err := os.ReadFile("dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels     []panel `json:"panels"`
		Templating struct {
			List []struct {
				Name string `json:"name"`
			} `json:"list"`
		} `json:"templating"`
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	variables := []string{"$__rate_interval"}
	for _, v := range dashboard.Templating.List {
		variables = append(variables, "$"+v.Name)
	}
	metrics := served(t)
	queries := 0
	for i, p := range dashboard.Panels {
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %q asks for nothing", p.Title)
		}
		for _, other := range dashboard.Panels[:i] {
			if a, b := p.GridPos, other.GridPos; a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
				t.Errorf("panel %q lies on %q", p.Title, other.Title)
			}
		}
		for _, target := range p.Targets {
			queries++
			for _, used := range variable.FindAllString(target.Expr, -1) {
				if !slices.Contains(variables, used) {
					t.Errorf("panel %q: no variable %s", p.Title, used)
				}
			}
			expr := variable.ReplaceAllString(strings.ReplaceAll(target.Expr, "$__rate_interval", "5m"), ".*")
			if wrong := faults(t, metrics, expr); len(wrong) > 0 {
				t.Errorf("panel %q: %s: %v", p.Title, target.Expr, wrong)
			}
		}
	}
	if queries < 30 {
		t.Errorf("only %d queries were found", queries)
	}
}
