package install

import (
	"bytes"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write examples/install anew")

// examples are the files that are written from the same source.
const examples = "../../examples/install"

var defaults = Options{Namespace: DefaultNamespace, Image: Image + ":latest", SealingNamespace: "kube-system"}

// TestExamples: what lies in examples/install is what is installed. That the chart
// and the kustomization render to it is cmd/tidelock's to prove, which has the
// renderers.
func TestExamples(t *testing.T) {
	files, err := Chart(defaults)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]byte{}
	for name, text := range files {
		want["helm/"+name] = text
	}
	objects, err := Objects(defaults)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := Print(&text, objects); err != nil {
		t.Fatal(err)
	}
	want["kustomize/install.yaml"] = text.Bytes()
	monitored, err := monitoring()
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(want, monitored)
	if *update {
		write(t, want)
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		got, err := os.ReadFile(filepath.Join(examples, name))
		if err != nil || !bytes.Equal(got, want[name]) {
			t.Errorf("%s is not as it is written: go test ./agent/install -update (%v)", name, err)
		}
	}
}

// monitoring are the files of examples/monitoring that are written from the alerts.
func monitoring() (map[string][]byte, error) {
	files := map[string][]byte{}
	for name, object := range map[string]Object{"rules.yaml": Rules(), "prometheusrule.yaml": defaults.rules(), "servicemonitor.yaml": defaults.serviceMonitor()} {
		text, err := printed(object)
		if err != nil {
			return nil, err
		}
		files["../monitoring/"+name] = text
	}
	return files, nil
}

func write(t *testing.T, files map[string][]byte) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(examples, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestObjects: what an option adds, and nothing else, is added.
func TestObjects(t *testing.T) {
	always := "Namespace ServiceAccount ClusterRole ClusterRoleBinding Deployment Service NetworkPolicy"
	for name, tt := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"default":     {func(*Options) {}, always},
		"monitoring":  {func(o *Options) { o.Monitoring = true }, always + " ServiceMonitor PrometheusRule"},
		"impersonate": {func(o *Options) { o.Impersonate = true }, "Namespace ServiceAccount ClusterRole ClusterRoleBinding Role RoleBinding Deployment Service NetworkPolicy"},
	} {
		t.Run(name, func(t *testing.T) {
			o := defaults
			tt.change(&o)
			objects, err := Objects(o)
			if err != nil {
				t.Fatal(err)
			}
			var kinds []string
			for _, object := range objects {
				kinds = append(kinds, object["kind"].(string))
			}
			if diff := cmp.Diff(tt.want, strings.Join(kinds, " ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestImpersonating: an agent that writes in others' names may write nothing by
// itself, outside of its own namespace.
func TestImpersonating(t *testing.T) {
	o := defaults
	o.Impersonate = true
	for _, r := range o.rights() {
		var text bytes.Buffer
		body := map[string]any{"object": r}
		if err := Print(&text, []Object{body}); err != nil {
			t.Fatal(err)
		}
		if s := text.String(); strings.Contains(s, "kind: ClusterRole\n") && (strings.Contains(s, "create") || strings.Contains(s, "update") || strings.Contains(s, "patch") || strings.Contains(s, "delete")) {
			t.Errorf("it may write:\n%s", s)
		}
	}
}

func TestCheck(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"namespace": {func(o *Options) { o.Namespace = "A b" }, `namespace "A b": `},
		"sealing":   {func(o *Options) { o.SealingNamespace = "" }, `sealed-secrets-namespace "": `},
		"image":     {func(o *Options) { o.Image = "a\nb: c" }, "image \"a\\nb: c\": give a name such as"},
	} {
		t.Run(name, func(t *testing.T) {
			o := defaults
			tt.change(&o)
			if _, err := Objects(o); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got %v, want %s...", err, tt.want)
			}
		})
	}
}
