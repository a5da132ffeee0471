package monitoring

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// absent are the patterns of metrics that README.md says that the agent has not.
func absent(t *testing.T) (patterns []string) {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, ok := strings.Cut(string(text), "| not there | because |")
	if !ok {
		t.Fatal("README.md has no list of what is not there")
	}
	for line := range strings.Lines(list) {
		cells := strings.Split(line, "|")
		if len(cells) != 4 {
			continue
		}
		for _, m := range regexp.MustCompile("`([a-z_*]+)`").FindAllStringSubmatch(cells[1], -1) {
			patterns = append(patterns, m[1])
		}
	}
	return patterns
}

func fits(pattern, name string) bool {
	prefix, wild := strings.CutSuffix(pattern, "*")
	return pattern == name || wild && strings.HasPrefix(name, prefix)
}

// TestArgoMetrics: each metric that Argo CD has is served, or is on the list of those that
// are not, with the reason; and what is on the list is none that is served.
func TestArgoMetrics(t *testing.T) {
	text, err := os.ReadFile("testdata/argocd-metrics.txt")
	if err != nil {
		t.Fatal(err)
	}
	metrics, patterns, used := served(t), absent(t), map[string]bool{"grpc_server_*": true} // which is a library's
	for line := range strings.Lines(string(text)) {
		name := strings.TrimSpace(line)
		if strings.HasPrefix(name, "#") {
			continue
		}
		_, there := metrics[name]
		listed := false
		for _, pattern := range patterns {
			if fits(pattern, name) {
				listed, used[pattern] = true, true
			}
		}
		if there == listed {
			t.Errorf("%s: served %t, on the list of what is not there %t", name, there, listed)
		}
	}
	for _, pattern := range patterns {
		if !used[pattern] {
			t.Errorf("%s is on the list of what is not there, and Argo CD has no such metric", pattern)
		}
	}
}
