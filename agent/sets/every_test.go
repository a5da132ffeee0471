package sets

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset"
)

// A source is a kind of generator, which finds names.
type source struct {
	kind      string
	generator string // that has a selector beside it
	parameter string // with the name
	// has makes it find these, from the next look on; nil says that the generator states
	// them itself, in place of NAMES.
	has func(w *world, names []string)
}

var everySource = []source{
	{"list", `list: {elements: NAMES}`, "name", nil},
	{"clusters", `clusters: {selector: {matchLabels: {fleet: shop}}}`, "name", (*world).hasClusters},
	{"git directories", `git: {repoURL: r, revision: main, directories: [{path: apps/*}]}`, "path.basename", (*world).hasDirectories},
	{"git files", `git: {repoURL: r, revision: main, files: [{path: "apps/*/app.yaml"}]}`, "name", (*world).hasDirectories},
	{"matrix", `matrix: {generators: [{git: {repoURL: r, revision: main, directories: [{path: apps/*}]}}, {list: {elements: [{region: eu}]}}]}`, "path.basename", (*world).hasDirectories},
	{"merge", `merge: {mergeKeys: [name], generators: [{git: {repoURL: r, revision: main, files: [{path: "apps/*/app.yaml"}]}}, {list: {elements: [{name: a, region: eu}]}}]}`, "name", (*world).hasDirectories},
	{"pullRequest", `pullRequest: {requeueAfterSeconds: 1, github: {owner: o, repo: r}}`, "branch", (*world).hasAnswers},
	{"scmProvider", `scmProvider: {requeueAfterSeconds: 1, github: {organization: o}}`, "repository", (*world).hasAnswers},
	{"plugin", `plugin: {requeueAfterSeconds: 1, configMapRef: {name: p}}`, "name", (*world).hasAnswers},
}

func (w *world) hasAnswers(names []string) { w.found = names }

func (w *world) hasClusters(names []string) {
	w.Clusters = func() (all []appset.Cluster, err error) {
		for _, name := range names {
			all = append(all, appset.Cluster{Name: name, Server: "https://" + name, Labels: map[string]string{"fleet": "shop"}})
		}
		return append(all, appset.Cluster{Name: "other", Server: "https://other"}), nil
	}
}

func (w *world) hasDirectories(names []string) {
	if err := os.RemoveAll(w.dir + "/apps"); err != nil {
		w.t.Fatal(err)
	}
	for _, name := range names {
		if err := os.MkdirAll(w.dir+"/apps/"+name, 0o700); err != nil {
			w.t.Fatal(err)
		}
		w.write("apps/"+name+"/app.yaml", "name: "+name)
	}
}

// A variant is how a set is written, and what it may do.
type variant struct {
	source
	policy    string
	goText    bool // goTemplate
	preserves bool
	rolling   bool
}

func (v variant) String() string {
	text := v.kind + " " + v.policy
	for _, is := range []struct {
		so   bool
		text string
	}{{v.goText, " goTemplate"}, {v.preserves, " preserved"}, {v.rolling, " rolling"}} {
		if is.so {
			text += is.text
		}
	}
	return text
}

// everyVariant is each kind of generator under each policy, in both kinds of templates.
func everyVariant() (all []variant) {
	for _, s := range everySource {
		for _, policy := range []string{"sync", "create-only", "create-update", "create-delete"} {
			for i := range 4 {
				all = append(all, variant{source: s, policy: policy, goText: i&1 > 0, preserves: i&2 > 0})
			}
		}
		all = append(all, variant{source: s, policy: "sync", goText: true, rolling: true})
	}
	return all
}

// text is the set, whose Applications have the names, and each field that a policy is
// about.
func (v variant) text(names []string, template string) string {
	name, heal := "{{"+v.parameter+"}}", "{{"+v.parameter+"}}"
	if v.goText {
		name, heal = "{{ ."+v.parameter+" }}", `{{ printf "%s" .`+v.parameter+` }}`
	}
	if template != "" {
		name = template
	}
	var elements []string
	for _, n := range names {
		elements = append(elements, "{name: "+n+"}")
	}
	strategy := ""
	if v.rolling {
		strategy = "strategy: {type: RollingSync, rollingSync: {steps: [{matchExpressions: [{key: team, operator: In, values: [shop]}]}]}}"
	}
	return fmt.Sprintf(`
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: apps}
spec:
  goTemplate: %t
  goTemplateOptions: [missingkey=error]
  generators:
  - %s
    selector: {matchExpressions: [{key: %s, operator: NotIn, values: [left-out]}]}
  syncPolicy: {applicationsSync: %s, preserveResourcesOnDeletion: %t}
  preservedFields: {annotations: [keep], labels: [keep]}
  ignoreApplicationDifferences: [{jsonPointers: [/spec/info]}, {name: b, jqPathExpressions: [.spec.source.targetRevision]}]
  %s
  template:
    metadata: {name: '%s', labels: {team: shop}}
    spec:
      project: default
      source: {repoURL: r, path: '%s', targetRevision: main}
      destination: {server: https://kubernetes.default.svc, namespace: shop}
  templatePatch: |
    metadata: {annotations: {patched: "%s"}}
    spec: {syncPolicy: {automated: {prune: true}}}
`, v.goText, strings.Replace(v.generator, "NAMES", "["+strings.Join(elements, ", ")+"]", 1), v.parameter, v.policy, v.preserves, strategy, name, name, heal)
}

// finds has the generator find names, beside one that the selector leaves out.
func (v variant) finds(w *world, names ...string) {
	if len(names) > 0 {
		names = append(names, "left-out")
	}
	if v.has != nil {
		v.has(w, names)
	}
	w.now = w.now.Add(2 * errorInterval) // what services have said is too old
	w.apply(v.text(names, ""))
}

// TestEveryGeneratorAndPolicy: what a set makes, changes and deletes is a matter of its
// policy, whatever generates it; and no outage, no bad template and no empty result
// deletes anything under any of them.
func TestEveryGeneratorAndPolicy(t *testing.T) {
	t.Parallel()
	for _, v := range everyVariant() {
		t.Run(v.String(), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			policy := api.ApplicationsSync(v.policy)
			v.finds(w, "a", "b", "c")
			w.must("apps")
			w.are("a b c")
			w.must("apps")
			v.made(w)
			v.alike(w)

			// somebody edits: what is not theirs is undone, if anything is
			w.edit("a", func(app *api.Application) {
				app.Spec.Project, app.Spec.Info = "other", []api.Info{{Name: "who", Value: "me"}}
				app.Spec.Source.TargetRevision = "mine"
				app.Annotations["keep"], app.Annotations["drop"], app.Labels["keep"], app.Labels["drop"] = "me", "me", "me", "me"
			})
			w.edit("b", func(app *api.Application) { app.Spec.Source.TargetRevision = "mine" })
			v.finds(w, "a", "b", "d")
			w.must("apps")
			want := map[string]string{"project": "other", "drop": "meme", "revisions": "mine mine"}
			if policy.AllowUpdate() {
				want = map[string]string{"project": "default", "drop": "", "revisions": "main mine"}
			}
			a, b := w.apps["a"], w.apps["b"]
			got := map[string]string{"project": a.Spec.Project, "drop": a.Annotations["drop"] + a.Labels["drop"], "revisions": a.Spec.Source.TargetRevision + " " + b.Spec.Source.TargetRevision}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if a.Annotations["keep"]+a.Labels["keep"]+a.Spec.Info[0].Value != "mememe" {
				t.Errorf("what is others' was taken: %v %v %v", a.Annotations, a.Labels, a.Spec.Info)
			}
			if policy.AllowDelete() {
				w.are("a b d")
			} else {
				w.are("a b c d")
			}

			// whatever goes wrong, all stays as it is
			before := maps.Clone(w.apps)
			v.unharmed(w, before)

			// nothing is found: that is held, if it matters at all
			v.finds(w)
			w.must("apps")
			held := w.condition("apps", api.ApplicationSetDeletionHeld)
			if diff := cmp.Diff(before, w.apps); diff != "" {
				t.Error(diff)
			}
			if (held != "") != policy.AllowDelete() {
				t.Errorf("it says that it is held: %q", held)
			}
			w.approve(held)
			w.must("apps")
			if policy.AllowDelete() {
				w.are("")
			} else {
				w.are("a b c d")
			}
		})
	}
}

// made looks at what was made at first.
func (v variant) made(w *world) {
	w.t.Helper()
	for name, app := range w.apps {
		if app.Annotations["patched"] != name || app.Spec.Source.Path != name || !slices.Equal(app.Finalizers, map[bool][]string{false: {api.FinalizerResources}}[v.preserves]) {
			w.t.Errorf("%s has annotations %v, path %s and finalizers %v", name, app.Annotations, app.Spec.Source.Path, app.Finalizers)
		}
		if automated := app.Spec.SyncPolicy.IsAutomated(); automated == v.rolling {
			w.t.Errorf("%s is synced automatically: %t", name, automated)
		}
	}
	if n := len(w.sets["apps"].Status.ApplicationStatus); (n == 3) != v.rolling {
		w.t.Errorf("the rolling sync has %d Applications", n)
	}
}

// alike looks whether without a cluster the same is made: by other sources, and the same
// rules.
func (v variant) alike(w *world) {
	w.t.Helper()
	set := w.sets["apps"]
	r, err := appset.Generate(w.t.Context(), set, offline{w}, appset.Options{Now: w.now})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, app := range r.Valid() {
		live := w.apps[app.Name].DeepCopy()
		live.ResourceVersion, live.UID, live.OwnerReferences = "", "", nil
		if diff := cmp.Diff(live, appset.Live(set, app)); diff != "" {
			w.t.Errorf("%s: without a cluster it is another one: %s", app.Name, diff)
		}
	}
	if len(r.Applications) != 3 {
		w.t.Errorf("without a cluster there are %d", len(r.Applications))
	}
}

// unharmed lets all go wrong that may.
func (v variant) unharmed(w *world, before map[string]*api.Application) {
	w.t.Helper()
	still := func(what, says string) {
		w.t.Helper()
		w.must("apps")
		if got := w.condition("apps", api.ApplicationSetErrorOccurred); !strings.HasPrefix(got, "True "+says) {
			w.t.Errorf("%s: it says %s", what, got)
		}
		if diff := cmp.Diff(before, w.apps); diff != "" {
			w.t.Errorf("%s: %s", what, diff)
		}
	}
	if v.kind != "list" && v.kind != "clusters" { // nobody is asked for these
		w.down, w.now = errors.New("unreachable"), w.now.Add(2*errorInterval)
		still("an outage", api.ReasonGenerationError)
		w.down, w.now = nil, w.now.Add(2*errorInterval)
	}
	names := []string{"a", "b", "d"}
	for what, template := range map[string]string{"a template that is none": "{{ .x", "one that names nothing": "{{ .nowhere.at.all }}"} {
		if v.goText {
			w.apply(v.text(names, template))
			still(what, api.ReasonRenderTemplateError)
		}
	}
	w.apply(v.text(names, "one-name"))
	still("a name that all have", api.ReasonValidationError)
	w.apply(v.text(names, "No Name"))
	still("a name that is none", api.ReasonValidationError)
}

// are says whether there are these Applications.
func (w *world) are(want string) {
	w.t.Helper()
	if got := w.names(); got != want {
		w.t.Errorf("there are %q, want %q", got, want)
	}
}

// edit changes a live Application.
func (w *world) edit(name string, change func(*api.Application)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	app := w.apps[name].DeepCopy()
	change(app)
	w.put(app)
}

// approve approves of what is held.
func (w *world) approve(held string) {
	_, hash, ok := strings.Cut(held, api.AnnotationApprove+": ")
	if !ok {
		return
	}
	w.mu.Lock()
	set := w.sets["apps"].DeepCopy()
	set.Annotations, set.ResourceVersion = map[string]string{api.AnnotationApprove: hash}, w.next()
	w.sets["apps"] = set
	w.mu.Unlock()
	w.catchUp()
}

// offline has what a person has at hand: files, and a list of clusters.
type offline struct{ *world }

func (o offline) Tree(context.Context, string, string) (fs.FS, error) { return os.DirFS(o.dir), nil }

func (o offline) Clusters(context.Context) ([]appset.Cluster, error) {
	return o.Config.Clusters()
}
