package monitoring

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
)

// elsewhere are the metrics of Argo CD's dashboard that the agent has not, and why.
var elsewhere = map[string]string{
	"argocd_redis_request_total": "there is no Redis: what is rendered is kept in memory",
	"grpc_server_handled_total":  "there is no API server but the cluster's own, which counts its requests by itself",
	"kube_pod_info":              "it is of kube-state-metrics, which has the namespaces to choose from",
}

// filled are its variables, as they are filled in.
var filled = strings.NewReplacer("$interval", "5m", "$grouping", "namespace", "$namespace", ".*", "$cluster", ".*", "$health_status", ".*", "$sync_status", ".*")

// queried are the expressions of a query: one, or that of a variable.
func queried(line string) string {
	line = filled.Replace(line)
	if of, ok := strings.CutPrefix(line, "label_values("); ok {
		metric, label, _ := strings.Cut(strings.TrimSuffix(of, ")"), ",")
		return "count by (" + strings.TrimSpace(label) + ") (" + metric + ")"
	}
	return line
}

// TestArgoDashboard: Argo CD's own dashboard works as it is: the agent has each metric that
// it asks for, with each label, but those that nothing of the agent's is counted by.
func TestArgoDashboard(t *testing.T) {
	text, err := os.ReadFile("testdata/argocd-dashboard.txt")
	if err != nil {
		t.Fatal(err)
	}
	metrics := served(t)
	for name := range elsewhere {
		if _, ok := metrics[name]; ok {
			t.Errorf("the agent has %s", name)
		}
	}
	for name, labels := range metrics { // Prometheus says of which namespace the agent is that it asks
		if !slices.Contains(labels, "namespace") {
			metrics[name] = append(slices.Clip(labels), "namespace")
		}
	}
	asked, without := 0, map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "#") {
			continue
		}
		if name := missing(t, queried(line)); name != "" {
			without[name] = true
			continue
		}
		asked++
		if wrong := faults(t, metrics, queried(line)); len(wrong) > 0 {
			t.Errorf("%s: %v", line, wrong)
		}
	}
	if asked < 30 || len(without) != len(elsewhere) {
		t.Errorf("%d queries can be answered; of %v none was asked for", asked, elsewhere)
	}
}

// missing is the first metric of an expression that the agent has not, and need not have.
func missing(t *testing.T, expr string) (name string) {
	t.Helper()
	parsed, err := promQL.ParseExpr(expr)
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		if selector, ok := node.(*parser.VectorSelector); ok && elsewhere[selector.Name] != "" {
			name = selector.Name
		}
		return nil
	})
	return name
}
