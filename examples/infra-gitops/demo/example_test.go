package main

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// The example renders as it is checked in, without the files that are encrypted
// for somebody.
func TestExampleRenders(t *testing.T) {
	binaries, err := testenv.Build(t.Context(), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	for application, want := range map[string]string{
		"api-staging":         "configmap deployment job service serviceaccount",
		"api-production":      "configmap deployment job service serviceaccount",
		"frontend-staging":    "configmap configmap deployment service",
		"frontend-production": "configmap deployment service",
		"platform":            "limitrange namespace namespace networkpolicy networkpolicy role rolebinding serviceaccount",
	} {
		t.Run(application, func(t *testing.T) {
			file := filepath.Join("..", "argocd", application+".yaml")
			cmd := exec.Command(binaries.Tidelock, "render", "-f", file, "--repo", "..", "-o", "name")
			var stderr strings.Builder
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v: %s", err, &stderr)
			}
			if got := kinds(string(out)); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

// kinds lists the kinds of "kind.group/name" lines, sorted.
func kinds(lines string) string {
	var all []string
	for line := range strings.Lines(lines) {
		kind, _, _ := strings.Cut(line, "/")
		kind, _, _ = strings.Cut(kind, ".")
		all = append(all, kind)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}
