package fleet

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
	"k8s.io/apimachinery/pkg/types"
)

// parse reads objects of a file.
func parse(t testing.TB, file, text string) manifest.Set {
	t.Helper()
	set, err := manifest.Parse([]byte(text), manifest.Origin{File: file})
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return set
}

// memberOf makes an Application that is stated at file, and states what set holds.
func memberOf(t testing.TB, o *manifest.Object, set manifest.Set) *Member {
	t.Helper()
	app := &api.Application{}
	if err := json.Unmarshal(o.JSON(), app); err != nil {
		t.Fatal(err)
	}
	if app.Namespace == "" {
		app.Namespace = "argocd"
	}
	placed, err := set.Place(app.Spec.Destination.Namespace, set.Scopes())
	if err != nil {
		t.Fatal(err)
	}
	return &Member{App: app, Object: o, Rendered: true, Set: placed, Prefix: "."}
}

// stated is the text of an Application in the agent's own cluster.
func applicationText(name, namespace, more string) string {
	return fmt.Sprintf(`apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: %s, namespace: argocd%s}
spec: {project: default, source: {repoURL: "https://git.example.com/r", path: %s}, destination: {server: "https://kubernetes.default.svc", namespace: %s}}
`, name, more, name, namespace)
}

func configMaps(names ...string) string {
	var docs []string
	for _, name := range names {
		docs = append(docs, fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %q}\n", name))
	}
	return strings.Join(docs, "---\n")
}

// Of which installation Applications are, by the files that state them: "FILE NAME
// OBJECTS" each; those of equal letters are together.
func TestInstallations(t *testing.T) {
	for _, tt := range []struct {
		name, members, want string
	}{
		{"one directory", "argocd/a a x; argocd/b b y", "AA"},
		{"two directories, nothing in common", "teams/one/a a x; teams/two/b b y", "AA"},
		{"the same name", "clusters/one/a web x; clusters/two/a web y", "AB"},
		{"and what lies below where they part", "clusters/one/apps/a web x; clusters/two/apps/a web y; clusters/one/more/b b z; clusters/two/b c z", "ABAB"},
		{"what is elsewhere is of neither", "clusters/one/a web x; clusters/two/a web y; shared/b b z", "ABC"},
		{"other names, the same objects", "clusters/one/a web-one x,y,z; clusters/two/a web-two x,y,q", "AB"},
		{"few of them", "teams/one/a a x,p,q,r; teams/two/b b x,s,t,u", "AA"},
		{"the same objects in one directory", "argocd/a a x; argocd/b b x", "AA"},
		{"three of a kind", "c/eu/one/a web x; c/eu/two/a web y; c/us/one/a web z", "ABC"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &check{Fleet: &Fleet{}, byLabel: map[string][]*Member{}}
			for entry := range strings.SplitSeq(tt.members, "; ") {
				words := strings.Fields(entry)
				o := parse(t, words[0]+".yaml", applicationText(words[1], "shop", ""))[0]
				c.Members = append(c.Members, memberOf(t, o, parse(t, words[1]+"/all.yaml", configMaps(strings.Split(words[2], ",")...))))
			}
			c.prepare()
			letters, got := map[string]string{}, ""
			for _, m := range c.Members {
				if letters[m.label] == "" {
					letters[m.label] = string(rune('A' + len(letters)))
				}
				got += letters[m.label]
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestCircular(t *testing.T) {
	for _, tt := range []struct{ edges, want string }{
		{"a-b b-c", "[]"},
		{"a-b b-a c-a", "[[/a /b]]"},
		{"a-a b-c", "[[/a]]"},
		{"a-b b-c c-a d-e e-d c-d", "[[/d /e] [/a /b /c]]"},
	} {
		edges := map[types.NamespacedName][]types.NamespacedName{}
		for edge := range strings.FieldsSeq(tt.edges) {
			from, to, _ := strings.Cut(edge, "-")
			edges[types.NamespacedName{Name: from}] = append(edges[types.NamespacedName{Name: from}], types.NamespacedName{Name: to})
		}
		var got []string
		for _, group := range circular(edges) {
			got = append(got, fmt.Sprint(group))
		}
		if text := fmt.Sprint(got); text != tt.want {
			t.Errorf("%s: got %s, want %s", tt.edges, text, tt.want)
		}
	}
}

// rulesOf are those of all problems, in order.
func rulesOf(f *Fleet) (rules []string) {
	problems, _ := f.Check()
	for _, p := range problems {
		rules = append(rules, p.Rule)
	}
	slices.Sort(rules)
	return rules
}

// What may be made by an ApplicationSet is not missed.
func TestSetsMayMakeMore(t *testing.T) {
	f := &Fleet{Now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	o := parse(t, "a.yaml", applicationText("a", "a", ", annotations: {tidelock.io/depends-on: generated}"))[0]
	f.Members = []*Member{memberOf(t, o, nil)}
	f.Loose = parse(t, "p.yaml", `apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: default, namespace: argocd}
spec:
  sourceRepos: ["*"]
  destinations: [{server: "*", namespace: "*"}]
  syncWindows: [{kind: deny, schedule: "0 8 * * *", duration: 1h, applications: ["generated*"]}]
`)
	if got := rulesOf(f); !slices.Equal(got, []string{"sync-window", "unknown-dependency"}) {
		t.Errorf("without: %v", got)
	}
	f.Loose = append(f.Loose, parse(t, "s.yaml", "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: s}\nspec: {template: {spec: {project: default}}}\n")...)
	if got := rulesOf(f); len(got) > 0 {
		t.Errorf("with: %v", got)
	}
}

// The order of what is handed in does not matter, nor does looking twice.
func TestTheSameAtAnyOrder(t *testing.T) {
	f := estate(t, 40)
	text := func() string {
		problems, notes := f.Check()
		var lines []string
		for _, p := range problems {
			lines = append(lines, fmt.Sprint(p.Rule, p.Object, p.Path, p.Message, p.Hint, p.Applications))
		}
		slices.Sort(lines)
		return strings.Join(append(lines, notes...), "\n")
	}
	want := text()
	if !strings.Contains(want, "shared-object") {
		t.Fatalf("got %s", want)
	}
	for range 5 {
		slices.Reverse(f.Members)
		f.Members = append(f.Members[7:], f.Members[:7]...)
		if got := text(); got != want {
			t.Fatalf("got\n%s\nwant\n%s", got, want)
		}
	}
}
