package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/tidelock-io/tidelock/agent/metrics"
	"github.com/tidelock-io/tidelock/cmd/testenv"
	"github.com/tidelock-io/tidelock/plugins/host"
	"github.com/tidelock-io/tidelock/render"
)

var updateMetrics = flag.Bool("update-metrics", false, "write examples/monitoring/metrics.txt anew")

// described reads what a description prints.
var described = regexp.MustCompile(`fqName: "([^"]+)", help: "((?:[^"\\]|\\.)*)", unit: "[^"]*", constLabels: \{([^}]*)\}, variableLabels: \{([^}]*)\}`)

// TestMetricsListed: examples/monitoring/metrics.txt names every metric that there is,
// with its labels. The rules and the dashboard beside it may name no other.
func TestMetricsListed(t *testing.T) {
	t.Parallel()
	p := &parts{host: &plugins{Host: &host.Host{}}, options: agentOptions{
		metricsConditions: []string{"*"}, metricsLabels: []string{"NAME"}, metricsSetLabels: []string{"NAME"}, metricsClusterLabels: []string{"NAME"},
	}}
	p.params = newParams(&p.options, nil, nil, nil)
	m := metrics.New(p.numbers(&render.Engine{}))
	p.shadow = &onlooking{}
	looksOn := metrics.New(p.numbers(&render.Engine{}))
	descriptions := make(chan *prometheus.Desc)
	go func() {
		m.Describe(descriptions)
		looksOn.Describe(descriptions)
		close(descriptions)
	}()
	var lines []string
	for d := range descriptions {
		parts := described.FindStringSubmatch(d.String())
		if parts == nil {
			t.Fatalf("cannot read %s", d)
		}
		if strings.HasPrefix(parts[1], "go_") {
			continue // those of the Go runtime, of any program
		}
		constant, _, _ := strings.Cut(parts[3], "=")
		labels := strings.Trim(strings.ReplaceAll(constant+","+parts[4], " ", ""), ",")
		lines = append(lines, parts[1]+"{"+labels+"} "+parts[2])
	}
	slices.Sort(lines)
	want := []byte(strings.Join(slices.Compact(lines), "\n") + "\n")
	root, err := testenv.Root()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(root, "examples", "monitoring", "metrics.txt")
	if *updateMetrics {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not as it is written: go test ./cmd/tidelock -run TestMetricsListed -update-metrics (%v)", file, err)
	}
}
