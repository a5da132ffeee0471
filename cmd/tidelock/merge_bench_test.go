package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tidelock-io/tidelock/cmd/testenv"
	"github.com/tidelock-io/tidelock/render/validate/openapi"
)

// BenchmarkBeforeMerge is what a person waits for before a merge, in a repository of
// 500 services, each with an Application: validate without and with what is kept of
// the last run, diff of a commit and of an edit that touch one. Beside it the loop of
// kustomize and kubeconform that people write. Each is a process of its own, from its
// start to its end; the table at the end has the ratios.
func BenchmarkBeforeMerge(b *testing.B) {
	const services = 500
	bin, err := testenv.Build(b.Context(), b.Logf)
	if err != nil {
		b.Fatal(err)
	}
	var tools [2]string
	for i, module := range []string{testenv.KustomizeTool, testenv.KubeconformTool} {
		if tools[i], err = testenv.Tool(b.Context(), module); err != nil {
			b.Fatal(err)
		}
	}
	dir, schemas := b.TempDir(), b.TempDir()
	b.Setenv("XDG_CACHE_HOME", b.TempDir())
	files := monorepo(services)
	commitAll(b, dir, files)
	const edited = "services/svc-0042/base/configmap.yaml"
	commitAll(b, dir, map[string]string{edited: files[edited] + "immutable: false\n"})
	writeSchemas(b, schemas)
	loop := fmt.Sprintf(`for o in services/*/overlays/*; do %q build $o | %q -strict -schema-location '%s/{{ .ResourceKind }}{{ .KindSuffix }}.json' || exit 1; done`, tools[0], tools[1], schemas)
	edit := func() {
		if err := os.WriteFile(filepath.Join(dir, edited), []byte(files[edited]+"immutable: true\n"), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	var rows []cost
	for _, step := range []struct {
		name   string
		before func()
		args   []string
		status int
	}{
		{"kustomize | kubeconform, a loop", nil, []string{"sh", "-c", loop}, 0},
		{"validate, nothing kept", nil, []string{bin.Tidelock, "validate", "--no-cache"}, 0},
		{"validate, the first run", nil, []string{bin.Tidelock, "validate"}, 0},
		{"validate, again", nil, []string{bin.Tidelock, "validate"}, 0},
		{"diff of a commit, the first of the repository", nil, []string{bin.Tidelock, "diff", "HEAD~1..HEAD", "--no-cache"}, exitDiffers},
		{"diff of a commit", nil, []string{bin.Tidelock, "diff", "HEAD~1..HEAD", "--no-cache"}, exitDiffers},
		{"diff of an edit", edit, []string{bin.Tidelock, "diff", "HEAD", "--no-cache"}, exitDiffers},
		{"validate, after an edit", edit, []string{bin.Tidelock, "validate"}, 0},
	} {
		b.Run(step.name, func(b *testing.B) {
			var last cost
			for b.Loop() {
				if step.before != nil {
					step.before()
				}
				last = costOf(b, dir, step.status, step.args...)
			}
			last.name = step.name
			b.ReportMetric(last.cpu.Seconds(), "cpu-s/op")
			rows = append(rows, last)
		})
	}
	b.Run("ratios", func(b *testing.B) { // the log of a benchmark that has others is not printed
		for b.Loop() {
		}
		b.Log("\n" + strings.TrimSuffix(costs(rows), "\n"))
	})
}

// A cost is what a process took, with those that it started.
type cost struct {
	name      string
	wall, cpu time.Duration
}

func costOf(b *testing.B, dir string, status int, args ...string) cost {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), args[0], args[1:]...)
	cmd.Dir = dir
	start := time.Now()
	out, err := cmd.CombinedOutput()
	wall := time.Since(start)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || cmd.ProcessState.ExitCode() != status {
		b.Fatalf("%q: %v\n%s", args, err, out)
	}
	return cost{wall: wall, cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
}

// costs is a table, with the ratios to the first row.
func costs(rows []cost) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "what\twall s\tCPU s\twall ratio\tCPU ratio\t")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%.2f\t%.2f\t%.4f\t%.4f\t\n", r.name, r.wall.Seconds(), r.cpu.Seconds(),
			r.wall.Seconds()/rows[0].wall.Seconds(), r.cpu.Seconds()/rows[0].cpu.Seconds())
	}
	_ = w.Flush()
	return b.String()
}

// writeSchemas makes files for kubeconform of the built-in schemas, of the kinds that
// the services have.
func writeSchemas(b *testing.B, dir string) {
	b.Helper()
	version, err := openapi.Of("1.37")
	if err != nil {
		b.Fatal(err)
	}
	for name, gvk := range map[string]schema.GroupVersionKind{
		"deployment-apps-v1": {Group: "apps", Version: "v1", Kind: "Deployment"}, "service-v1": {Version: "v1", Kind: "Service"},
		"serviceaccount-v1": {Version: "v1", Kind: "ServiceAccount"}, "configmap-v1": {Version: "v1", Kind: "ConfigMap"},
	} {
		kind, _ := version.Kind(gvk)
		text, err := json.Marshal(jsonSchema(b, version, &openapi.Schema{Ref: kind.Definition}))
		if err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name+".json"), text, 0o600); err != nil {
			b.Fatal(err)
		}
	}
}

// jsonSchema spells a schema out, strictly, as kubeconform's own collection has them.
func jsonSchema(b *testing.B, version *openapi.Version, s *openapi.Schema) map[string]any {
	b.Helper()
	if strings.HasSuffix(s.Ref, ".resource.Quantity") {
		return map[string]any{"type": []string{"string", "number", "null"}}
	}
	if s.Ref != "" {
		named, err := version.Named(s.Ref)
		if err != nil {
			b.Fatal(err)
		}
		s = named
	}
	types := append([]string{"null"}, s.Either...)
	if s.Type != "" {
		types = append(types, s.Type)
	}
	out := map[string]any{}
	if len(types) > 1 {
		out["type"] = types
	}
	if len(s.Properties) > 0 {
		properties := map[string]any{}
		for name, p := range s.Properties {
			properties[name] = jsonSchema(b, version, p)
		}
		out["properties"], out["additionalProperties"] = properties, false
	}
	if len(s.Required) > 0 {
		out["required"] = s.Required
	}
	if s.Items != nil {
		out["items"] = jsonSchema(b, version, s.Items)
	}
	if s.Values != nil {
		out["additionalProperties"] = jsonSchema(b, version, s.Values)
	}
	return out
}
