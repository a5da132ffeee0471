package install

import (
	"bytes"
	"flag"
	"fmt"
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

var defaults = Options{Namespace: DefaultNamespace, Image: Image + ":latest"}

// TestExamples: what lies in examples/install is what is installed. That the chart
// and the kustomization render to it is cmd/tidelock's to prove, which has the
// renderers.
func TestExamples(t *testing.T) {
	files, err := Chart(defaults.Image)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]byte{}
	for name, text := range files {
		want["helm/"+name] = text
	}
	confined := defaults
	confined.Namespaces = []string{"team-a", "team-b"}
	for name, o := range map[string]Options{"kustomize": defaults, "kustomize-namespaces": confined} {
		objects, err := Objects(o)
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		if err := Print(&text, objects); err != nil {
			t.Fatal(err)
		}
		want[name+"/install.yaml"] = text.Bytes()
	}
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
	const before, after = "Namespace ServiceAccount ", " Deployment PodDisruptionBudget Service NetworkPolicy"
	const always = before + "ClusterRole ClusterRoleBinding" + after
	const role = "Role RoleBinding"
	for name, tt := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"default":                        {func(*Options) {}, always},
		"monitoring":                     {func(o *Options) { o.Monitoring = true }, always + " ServiceMonitor PrometheusRule"},
		"replicas":                       {func(o *Options) { o.Replicas = HighlyAvailable }, always},
		"impersonate":                    {func(o *Options) { o.Impersonate = true }, before + "ClusterRole ClusterRoleBinding " + role + after},
		"namespaces":                     {func(o *Options) { o.Namespaces = []string{"a", "b"} }, before + role + " " + role + " " + role + after},
		"namespaces, and keys elsewhere": {func(o *Options) { o.Namespaces, o.SealingNamespace = []string{"a"}, "keys" }, before + role + " " + role + " " + role + after},
		"namespaces, and keys in one":    {func(o *Options) { o.Namespaces, o.SealingNamespace = []string{"a"}, "a" }, before + role + " " + role + after},
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
		"sealing":   {func(o *Options) { o.SealingNamespace = "-" }, `sealed-secrets-namespace "-": `},
		"scope":     {func(o *Options) { o.Namespaces = []string{"a", "B"} }, `scope: namespace "B": `},
		"twice":     {func(o *Options) { o.Namespaces = []string{"a", "a"} }, `scope: namespace "a" is named twice`},
		"replicas":  {func(o *Options) { o.Replicas = 101 }, "replicas 101: give a number from 1 to 100"},
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

// TestConfined: an agent that is confined to namespaces has no right in the cluster, and
// is told so.
func TestConfined(t *testing.T) {
	o := defaults
	o.Namespaces = []string{"a", "b"}
	objects, err := Objects(o)
	if err != nil {
		t.Fatal(err)
	}
	var rights []string
	for _, object := range objects {
		if kind := object["kind"].(string); strings.Contains(kind, "Role") {
			rights = append(rights, kind+" "+object.namespaceOf()+"/"+object.key())
		}
	}
	want := "Role tidelock/tidelock, RoleBinding tidelock/tidelock, Role a/tidelock:tidelock, RoleBinding a/tidelock:tidelock, Role b/tidelock:tidelock, RoleBinding b/tidelock:tidelock"
	if diff := cmp.Diff(want, strings.Join(rights, ", ")); diff != "" {
		t.Error(diff)
	}
	if args := strings.Join(o.Arguments(), " "); !strings.Contains(args, "--destination-namespaces=a,b") || !strings.Contains(args, "--sealed-secrets-namespace=tidelock ") {
		t.Errorf("arguments: %s", args)
	}
}

func TestParseScope(t *testing.T) {
	for text, want := range map[string]string{
		"cluster":        "[]",
		"namespaces=a":   "[a]",
		"namespaces=a,b": "[a b]",
		"namespaces=":    `"namespaces=": give cluster, or namespaces=a,b`,
		"a,b":            `"a,b": give cluster, or namespaces=a,b`,
		"namespaces=a,a": `namespace "a" is named twice`,
	} {
		names, err := ParseScope(text)
		got := fmt.Sprint(names)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}
