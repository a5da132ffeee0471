package api

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestSpecDefaults(t *testing.T) {
	for _, tt := range []struct {
		name string
		spec ApplicationSpec
		want string // project, history limit
	}{
		{"empty", ApplicationSpec{}, "default 10"},
		{"set", ApplicationSpec{Project: "shop", RevisionHistoryLimit: ptr(int64(3))}, "shop 3"},
		{"1.4 revisionHistoryLimit: 0 is none", ApplicationSpec{RevisionHistoryLimit: ptr(int64(0))}, "default 0"},
		{"negative", ApplicationSpec{RevisionHistoryLimit: ptr(int64(-1))}, "default 0"},
	} {
		if got := fmt.Sprint(tt.spec.ProjectName(), " ", tt.spec.HistoryLimit()); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestAllSources(t *testing.T) {
	one := &Source{RepoURL: "one", Path: "p", TargetRevision: "main"}
	several := []Source{{RepoURL: "two"}, {RepoURL: "three"}}
	hydrator := &SourceHydrator{
		DrySource:  DrySource{RepoURL: "dry", Path: "chart"},
		SyncSource: SyncSource{TargetBranch: "env/prod", Path: "web"},
	}
	elsewhere := hydrator.DeepCopy()
	elsewhere.SyncSource.RepoURL = "wet"
	for _, tt := range []struct {
		name string
		spec ApplicationSpec
		want string
	}{
		{"none", ApplicationSpec{}, "false"},
		{"source", ApplicationSpec{Source: one}, "false one/p@main"},
		{"empty list", ApplicationSpec{Source: one, Sources: []Source{}}, "false one/p@main"},
		{"sources win over source", ApplicationSpec{Source: one, Sources: several}, "true two/@HEAD three/@HEAD"},
		{"hydrator wins over both", ApplicationSpec{Source: one, Sources: several, SourceHydrator: hydrator}, "false dry/web@env/prod"},
		{"hydrator with its own repository", ApplicationSpec{SourceHydrator: elsewhere}, "false wet/web@env/prod"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := fmt.Sprint(tt.spec.HasMultipleSources())
			for _, s := range tt.spec.AllSources() {
				got += fmt.Sprintf(" %s/%s@%s", s.RepoURL, s.Path, s.Revision())
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestSourceKinds(t *testing.T) {
	for _, tt := range []struct {
		name   string
		source Source
		want   string // chart, OCI, ref only, named renderers
	}{
		{"git", Source{RepoURL: "https://g", Path: "."}, "false false false []"},
		{"chart", Source{RepoURL: "https://c", Chart: "c", Helm: &HelmSource{}}, "true false false [Helm]"},
		{"oci", Source{RepoURL: "oci://r/a", Path: "."}, "false true false []"},
		{"ref", Source{Ref: "values"}, "false false true []"},
		{"ref with a path", Source{Ref: "values", Path: "."}, "false false false []"},
		{"all four", Source{Helm: &HelmSource{}, Kustomize: &KustomizeSource{}, Directory: &DirectorySource{}, Plugin: &PluginSource{}}, "false false false [Helm Kustomize Directory Plugin]"},
	} {
		s := tt.source
		if got := fmt.Sprint(s.IsChart(), s.IsOCI(), s.IsRefOnly(), s.Types()); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestDestinationResolved(t *testing.T) {
	const local = "{https://kubernetes.default.svc n in-cluster} true"
	for _, tt := range []struct {
		name string
		in   Destination
		want string
	}{
		{"local by server", Destination{Server: "https://kubernetes.default.svc", Namespace: "n"}, local},
		{"local by server with slash", Destination{Server: "https://kubernetes.default.svc/", Namespace: "n"}, local},
		{"local by name", Destination{Name: "in-cluster", Namespace: "n"}, local},
		{"other by server", Destination{Server: "https://10.0.0.1/"}, "{https://10.0.0.1  } false"},
		{"other by name", Destination{Name: "prod"}, "{  prod} false"},
		{"both", Destination{Server: "https://10.0.0.1", Name: "in-cluster"}, "{https://10.0.0.1  in-cluster} false"},
		{"neither", Destination{}, "{  } false"},
	} {
		if got := fmt.Sprint(tt.in.Resolved(), " ", tt.in.IsInCluster()); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

// 1.6 exact words, whitespace: what options are read from an annotation.
func TestSyncOptions(t *testing.T) {
	for _, tt := range []struct{ annotation, want string }{
		{"", "0 false "},
		{"Prune=false", "1 false false"},
		{" Prune=confirm , CreateNamespace=true,", "2 true confirm"},
		{"CreateNamespace=True", "1 false "},
		{"CreateNamespace = true", "1 false "},
		{"Prune=false,Prune=confirm", "2 false false"},
		{"PruneLast=true", "1 false "},
	} {
		o := ParseSyncOptions(tt.annotation)
		if got := fmt.Sprint(len(o), " ", o.Has(SyncOptionCreateNamespace), " ", o.Value("Prune")); got != tt.want {
			t.Errorf("%q: got %s, want %s", tt.annotation, got, tt.want)
		}
	}
}

func FuzzParseList(f *testing.F) {
	f.Add(" a , b,,c ")
	f.Fuzz(func(t *testing.T, in string) {
		list := ParseList(in)
		if again := ParseList(strings.Join(list, ",")); !slices.Equal(list, again) {
			t.Errorf("%q is %q, which is %q", in, list, again)
		}
	})
}

func TestSetFields(t *testing.T) {
	spec := &ApplicationSpec{
		Destination: Destination{Name: "in-cluster"},
		Sources:     []Source{{RepoURL: "r", Helm: &HelmSource{SkipCrds: true}}, {Ref: "v"}},
		SyncPolicy:  &SyncPolicy{Automated: &Automated{}},
	}
	want := "destination destination.name sources sources[] sources[].helm sources[].helm.skipCrds" +
		" sources[].ref sources[].repoURL syncPolicy syncPolicy.automated"
	if got := strings.Join(SetFields(spec), " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Absent and empty differ where the semantics do.
func TestAbsentIsNotEmpty(t *testing.T) {
	for _, tt := range []struct {
		name   string
		object any
		want   string
	}{
		{"whitelist nil", AppProjectSpec{}, `{}`},
		{"whitelist empty", AppProjectSpec{NamespaceResourceWhitelist: []metav1.GroupKind{}}, `{"namespaceResourceWhitelist":[]}`},
		{"automated flags", Automated{Enabled: ptr(false)}, `{"enabled":false}`},
		{"orphans", OrphanedResources{Warn: ptr(false)}, `{"warn":false}`},
		{"string parameter", PluginParameter{String: ptr("")}, `{"string":""}`},
		{"list parameter", PluginParameter{Array: []string{}}, `{"array":[]}`},
		{"map parameter", PluginParameter{Map: map[string]string{}}, `{"map":{}}`},
		{"empty list of elements", ListGenerator{Elements: []AnyJSON{}}, `{"elements":[]}`},
		{"null element", ListGenerator{Elements: []AnyJSON{{}}}, `{"elements":[null]}`},
		{"status", Application{}, `{"metadata":{},"spec":{"destination":{},"project":""}}`},
	} {
		if got := string(asJSON(t, tt.object)); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}
