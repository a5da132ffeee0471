package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v4/pkg/chart/common"
	chartutil "helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	helm "helm.sh/helm/v4/pkg/engine"
	"sigs.k8s.io/yaml"

	"github.com/tidelock-io/tidelock/agent/install"
	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// chartDir is where the chart is.
func chartDir(t *testing.T) string {
	t.Helper()
	root, err := testenv.Root()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(root, "examples", "install", "helm")
}

// TestChart: the chart makes of its values, all of them in all combinations, what the
// command makes of its options; what the one refuses, the other does, too, in the same
// words.
func TestChart(t *testing.T) {
	t.Parallel()
	c, err := loader.LoadDir(chartDir(t))
	if err != nil {
		t.Fatal(err)
	}
	made, refused := 0, 0
	for o := range combinations {
		want, wrong := install.Objects(o)
		got, err := renderChart(c, helmValues(o))
		switch {
		case wrong != nil && err != nil:
			if first, _, _ := strings.Cut(wrong.Error(), "\n"); !strings.Contains(err.Error(), first) {
				t.Errorf("%+v: the command says %v, and the chart %v", o, wrong, err)
			}
			refused++
		case wrong != nil || err != nil:
			t.Errorf("%+v: the command says %v, and the chart %v", o, wrong, err)
		default:
			if diff := cmp.Diff(byKey(want), byKey(got)); diff != "" {
				t.Errorf("%+v: (-install +chart)\n%s", o, diff)
			}
			made++
		}
		if t.Failed() {
			return
		}
	}
	if made < 50 || refused < 50 {
		t.Errorf("%d combinations were made and %d refused", made, refused)
	}
}

// combinations are those of all options that the chart has values for.
func combinations(yield func(install.Options) bool) {
	wide := [][]string{nil, {"a"}, {"a", "1"}}
	elsewhere := []struct{ applications, sets []string }{{}, {[]string{"x", "y"}, []string{"y"}}, {[]string{"x-*", "/^y$/"}, nil}, {nil, []string{"y"}}}
	for i := range 3 * 3 * 4 * 32 {
		next := func(n int) (digit int) { digit, i = i%n, i/n; return digit }
		yes := func() bool { return next(2) == 1 }
		o := install.Options{
			Namespace: "tidelock", Image: "registry.example.com/t@sha256:1", Replicas: 1,
			Namespaces: wide[next(3)], SealingNamespace: []string{"", "keys", "a"}[next(3)],
			Impersonate: yes(), Shadow: yes(), ShadowDryRuns: yes(), Monitoring: yes(),
		}
		if yes() {
			o.Replicas = install.HighlyAvailable
		}
		away := elsewhere[next(4)]
		o.ApplicationNamespaces, o.SetNamespaces = away.applications, away.sets
		if !yield(o) {
			return
		}
	}
}

// helmValues are the chart's values for options.
func helmValues(o install.Options) map[string]any {
	list := func(names []string) []any {
		all := []any{}
		for _, name := range names {
			all = append(all, name)
		}
		return all
	}
	return map[string]any{
		"image": o.Image, "replicas": o.Replicas, "namespaces": list(o.Namespaces), "sealedSecretsNamespace": o.SealingNamespace,
		"applicationNamespaces": list(o.ApplicationNamespaces), "applicationSetNamespaces": list(o.SetNamespaces),
		"impersonate": o.Impersonate, "shadow": o.Shadow, "shadowDryRuns": o.ShadowDryRuns, "monitoring": o.Monitoring,
	}
}

// renderChart are the objects of a chart, as Helm's own library makes them.
func renderChart(c *chart.Chart, values map[string]any) ([]install.Object, error) {
	release := common.ReleaseOptions{Name: "tidelock", Namespace: "tidelock", IsInstall: true}
	all, err := chartutil.ToRenderValues(c, values, release, nil)
	if err != nil {
		return nil, err
	}
	files, err := helm.Render(c, all)
	if err != nil {
		return nil, err
	}
	var objects []install.Object
	for name, text := range files {
		for document := range strings.SplitSeq("\n"+text, "\n---\n") {
			var o install.Object
			if err := yaml.UnmarshalStrict([]byte(document), &o); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if len(o) > 0 {
				objects = append(objects, o)
			}
		}
	}
	return objects, nil
}

// byKey are objects' texts, without the Namespace, which is Helm's to make.
func byKey(objects []install.Object) map[string]string {
	all := map[string]string{}
	for _, o := range objects {
		text, err := yaml.Marshal(o)
		if err != nil {
			panic(err)
		}
		if meta, _ := o["metadata"].(map[string]any); o["kind"] != "Namespace" {
			all[fmt.Sprintf("%v %v/%v", o["kind"], meta["namespace"], meta["name"])] = string(text)
		}
	}
	return all
}

// TestChartLint: helm lint finds nothing, with whatever values; and values that are
// misspelt, or of another type, are refused by their names.
func TestChartLint(t *testing.T) {
	t.Parallel()
	for _, o := range []install.Options{
		{Image: "a:1", Replicas: 1},
		{Image: "a:1", Replicas: 3, Impersonate: true, ApplicationNamespaces: []string{"x"}, SetNamespaces: []string{"x"}, Monitoring: true},
		{Image: "a:1", Replicas: 3, Namespaces: []string{"a", "b"}},
		{Image: "a:1", Replicas: 1, Shadow: true, ShadowDryRuns: true},
	} {
		if said, err := linted(t, helmValues(o)); err != nil {
			t.Errorf("%+v: %v\n%s", o, err, said)
		}
	}
	for want, values := range map[string]map[string]any{
		"'/replicas'":     {"replicas": "three"},
		"'/namespaces/0'": {"namespaces": []any{"Not A Namespace"}},
		"'replica'":       {"replica": 3},
		"'/shadow'":       {"shadow": "yes"},
		"'/image'":        {"image": "a b"},
	} {
		if said, err := linted(t, values); err == nil || !strings.Contains(said, want) {
			t.Errorf("%v: nothing about %s in: %v\n%s", values, want, err, said)
		}
	}
}

// linted is what helm lint says.
func linted(t *testing.T, values map[string]any) (string, error) {
	t.Helper()
	helm, err := testenv.Tool(t.Context(), testenv.HelmTool)
	if err != nil {
		t.Fatal(err)
	}
	text, err := yaml.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	said, err := exec.CommandContext(t.Context(), helm, "lint", "--strict", "--namespace", "tidelock", "--values", file, chartDir(t)).CombinedOutput()
	return string(said), err
}

// TestInstallGuide: the guide tells of each value of the chart.
func TestInstallGuide(t *testing.T) {
	guide, err := os.ReadFile(filepath.Join(chartDir(t), "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for name := range helmValues(install.Options{}) {
		if !strings.Contains(string(guide), "`"+name) {
			t.Errorf("it says nothing of %s", name)
		}
	}
}
