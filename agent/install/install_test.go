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
	looking := defaults
	looking.Namespace, looking.Shadow = "argocd", true
	for name, o := range map[string]Options{"kustomize": defaults, "kustomize-namespaces": confined, "kustomize-shadow": looking} {
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
		"applications elsewhere":         {func(o *Options) { o.ApplicationNamespaces, o.SetNamespaces = []string{"a-*", "b"}, []string{"b"} }, always},
		"applications elsewhere, impersonate": {func(o *Options) {
			o.ApplicationNamespaces, o.SetNamespaces, o.Impersonate = []string{"a", "b"}, []string{"b"}, true
		}, before + "ClusterRole ClusterRoleBinding " + role + " " + role + " " + role + " " + role + after},
		"shadow":                      {func(o *Options) { o.Shadow = true }, "ServiceAccount ClusterRole ClusterRoleBinding" + after},
		"namespaces, and keys in one": {func(o *Options) { o.Namespaces, o.SealingNamespace = []string{"a"}, "a" }, before + role + " " + role + after},
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

// TestCheck: what is wrong with an option, and what makes no sense together, is said in
// words, and nothing is printed.
func TestCheck(t *testing.T) {
	elsewhere := func(o *Options, applications ...string) { o.ApplicationNamespaces = applications }
	for name, tt := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"namespace":               {func(o *Options) { o.Namespace = "A b" }, `namespace "A b": `},
		"sealing":                 {func(o *Options) { o.SealingNamespace = "-" }, `sealed-secrets-namespace "-": `},
		"scope":                   {func(o *Options) { o.Namespaces = []string{"a", "B"} }, `scope: namespace "B": `},
		"twice":                   {func(o *Options) { o.Namespaces = []string{"a", "a"} }, `scope: namespace "a" is named twice`},
		"replicas":                {func(o *Options) { o.Replicas = 101 }, "replicas 101: give a number from 1 to 100"},
		"image":                   {func(o *Options) { o.Image = "a\nb: c" }, "image \"a\\nb: c\": give a name such as"},
		"dry runs of a writer":    {func(o *Options) { o.ShadowDryRuns = true }, "shadow-dry-runs: it is for shadow only"},
		"looking on as others":    {func(o *Options) { o.Shadow, o.Impersonate = true, true }, "impersonate: an agent that looks on writes in nobody's name"},
		"several that look on":    {func(o *Options) { o.Shadow, o.Replicas = true, 3 }, "replicas: agents that look on have no Leases"},
		"confined, and elsewhere": {func(o *Options) { o.Namespaces = []string{"a"}; elsewhere(o, "b") }, "application-namespaces: what is in other namespaces is followed in the whole cluster"},
		"sets without applications": {
			func(o *Options) { o.SetNamespaces = []string{"a"} },
			"applicationset-namespaces: the Applications of ApplicationSets stay in these namespaces: name them by application-namespaces, too",
		},
		"sets with other applications": {
			func(o *Options) { elsewhere(o, "a*"); o.SetNamespaces = []string{"b"} },
			"applicationset-namespaces: the Applications of ApplicationSets stay in namespace b: name it by application-namespaces, too",
		},
		"patterns as others": {func(o *Options) { elsewhere(o, "team-*"); o.Impersonate = true }, "application-namespaces: give names, and no patterns, beside impersonate"},
		"sets' patterns as others": {
			func(o *Options) { elsewhere(o, "a"); o.SetNamespaces, o.Impersonate = []string{"?"}, true },
			"application-namespaces: give names, and no patterns, beside impersonate",
		},
		"pattern":             {func(o *Options) { elsewhere(o, "/(/") }, "application-namespaces: pattern /(/ of namespaces cannot be read"},
		"pattern of sets":     {func(o *Options) { elsewhere(o, "*"); o.SetNamespaces = []string{"["} }, "applicationset-namespaces: pattern [ of namespaces cannot be read"},
		"pattern with commas": {func(o *Options) { elsewhere(o, "/a{1,2}/") }, `application-namespaces: "/a{1,2}/": a pattern that is empty, or has a comma`},
		"two at once":         {func(o *Options) { o.Replicas, o.ShadowDryRuns = -1, true }, "replicas -1: give a number from 1 to 100\nshadow-dry-runs: "},
	} {
		t.Run(name, func(t *testing.T) {
			o := defaults
			tt.change(&o)
			if objects, err := Objects(o); err == nil || len(objects) > 0 || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got %d objects and %v, want %s...", len(objects), err, tt.want)
			}
		})
	}
}

// TestRemoval: what is deleted is all that was installed but what Applications are in;
// the agent goes first, and its rights go after it.
func TestRemoval(t *testing.T) {
	for want, change := range map[string]func(*Options){
		"Deployment NetworkPolicy Service PodDisruptionBudget ClusterRoleBinding ClusterRole ServiceAccount":    func(*Options) {},
		"Deployment NetworkPolicy Service PodDisruptionBudget RoleBinding Role RoleBinding Role ServiceAccount": func(o *Options) { o.Namespaces = []string{"a"} },
		"Deployment PrometheusRule ServiceMonitor NetworkPolicy Service PodDisruptionBudget ClusterRoleBinding ClusterRole ServiceAccount": func(o *Options) {
			o.Monitoring, o.Shadow = true, true
		},
	} {
		o := defaults
		change(&o)
		all, err := Removal(o)
		if err != nil {
			t.Fatal(err)
		}
		var kinds []string
		for _, object := range all {
			kinds = append(kinds, object["kind"].(string))
			if len(object) != 3 {
				t.Errorf("more than a name: %v", object)
			}
		}
		if got := strings.Join(kinds, " "); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// TestFlags: the flags of the command ask for what there is.
func TestFlags(t *testing.T) {
	for want, o := range map[string]Options{
		"":                        {Replicas: 1, SealingNamespace: "kube-system"},
		" --replicas 3":           {Replicas: 3},
		" --impersonate":          {Impersonate: true},
		" --scope namespaces=a,b": {Namespace: "t", Namespaces: []string{"a", "b"}, SealingNamespace: "t"},
		" --scope namespaces=a --sealed-secrets-namespace kube-system":                   {Namespace: "t", Namespaces: []string{"a"}, SealingNamespace: "kube-system"},
		" --application-namespaces 'a-*,b' --applicationset-namespaces 'b' --monitoring": {ApplicationNamespaces: []string{"a-*", "b"}, SetNamespaces: []string{"b"}, Monitoring: true},
		" --shadow --shadow-dry-runs":                                                    {Shadow: true, ShadowDryRuns: true, KeepNamespace: true},
	} {
		if got := o.Flags(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestArguments: an installation's options reach the agent, and no others do.
func TestArguments(t *testing.T) {
	for want, change := range map[string]func(*Options){
		"": func(o *Options) { o.Replicas = HighlyAvailable },
		"--application-namespaces=a-*,b --applicationset-namespaces=b": func(o *Options) {
			o.ApplicationNamespaces, o.SetNamespaces = []string{"a-*", "b"}, []string{"b"}
		},
		"--impersonate":              func(o *Options) { o.Impersonate = true },
		"--shadow":                   func(o *Options) { o.Shadow = true },
		"--shadow --shadow-dry-runs": func(o *Options) { o.Shadow, o.ShadowDryRuns = true, true },
	} {
		o := defaults
		change(&o)
		if got := strings.Join(o.Arguments()[5:], " "); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
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
