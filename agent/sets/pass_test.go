package sets

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset/forge"
	"github.com/tidelock-io/tidelock/agent/git"
)

// setOf is a set whose generators are given, which makes an Application for each name.
func setOf(name, generators, more string) string {
	return fmt.Sprintf(`
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: %s}
spec:
  goTemplate: true
  generators: %s
  %s
  template:
    metadata: {name: '{{ .name }}'}
    spec:
      project: default
      source: {repoURL: r, path: '{{ .name }}'}
      destination: {server: https://kubernetes.default.svc}
`, name, generators, more)
}

func listOf(names ...string) string {
	return "[{list: {elements: [{name: " + strings.Join(names, "}, {name: ") + "}]}}]"
}

// many are n names.
func many(n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("app-%04d", i))
	}
	return names
}

// TestCost: a set of a thousand Applications of which nothing has changed costs no request,
// whoever asks for a look; and one that has changed costs what it takes.
func TestCost(t *testing.T) {
	w := newWorld(t)
	const n = 1000
	w.apply(setOf("apps", listOf(many(n)...), ""))
	w.must("apps")
	if diff := cmp.Diff(map[string]int{"create": n, "patch-set": 1}, w.took()); diff != "" {
		t.Fatal(diff)
	}
	w.must("apps")
	w.must("apps")
	if took := w.took(); len(took) > 0 {
		t.Errorf("while nothing changed it made these requests: %v", took)
	}
	w.apply(setOf("apps", listOf(append(many(n-1), "other")...), ""))
	w.must("apps")
	if diff := cmp.Diff(map[string]int{"create": 1, "delete": 1, "patch-set": 1}, w.took()); diff != "" {
		t.Error(diff)
	}
	w.mu.Lock()
	edited := w.apps["app-0007"].DeepCopy()
	edited.Spec.Source.Path = "elsewhere"
	w.put(edited)
	w.mu.Unlock()
	w.must("apps")
	if diff := cmp.Diff(map[string]int{"patch": 1}, w.took()); diff != "" {
		t.Error(diff)
	}
	if got := w.apps["app-0007"].Spec.Source.Path; got != "app-0007" {
		t.Errorf("it has path %s", got)
	}
}

// BenchmarkSteady is a pass over a set of a thousand Applications of which nothing has
// changed.
func BenchmarkSteady(b *testing.B) {
	w := newWorld(b)
	w.apply(setOf("apps", listOf(many(1000)...), ""))
	w.must("apps")
	for b.Loop() {
		w.must("apps")
	}
}

// TestFaults: whatever goes wrong with requests, before or after they are done, the
// Applications are as the set says in the end, and nobody else's is touched.
func TestFaults(t *testing.T) {
	for seed := range uint64(60) {
		w := newWorld(t)
		foreign := &api.Application{}
		foreign.Name, foreign.Namespace = "foreign", "argocd"
		w.put(foreign)
		w.fails = faulty(seed)
		for _, names := range [][]string{{"a", "b", "c", "d"}, {"a", "b", "d", "e"}, {"a", "e", "f", "g"}} {
			w.apply(setOf("apps", listOf(names...), ""))
			passes := 0
			for w.look("apps") != nil {
				w.catchUp()
				if passes++; passes > 200 {
					t.Fatalf("seed %d: it does not come to rest", seed)
				}
			}
			want := strings.Join(slices.Sorted(slices.Values(append(slices.Clone(names), "foreign"))), " ")
			if got := w.names(); got != want {
				t.Fatalf("seed %d: there are %s, want %s", seed, got, want)
			}
			if got := w.condition("apps", api.ApplicationSetErrorOccurred); !strings.HasPrefix(got, "False ") {
				t.Fatalf("seed %d: it says %s", seed, got)
			}
		}
	}
}

// catchUp has the watch tell of all sets.
func (w *world) catchUp() {
	w.mu.Lock()
	all := slices.Collect(maps.Values(w.sets))
	w.mu.Unlock()
	for _, set := range all {
		w.store.keep(set.DeepCopy())
	}
}

// TestNothingIsDoneOnErrors: an error of any generator, template or repository, and an
// empty result, leave all as it is.
func TestNothingIsDoneOnErrors(t *testing.T) {
	files := `[{git: {repoURL: r, revision: main, files: [{path: "*.yaml"}]}}]`
	for _, tt := range []struct {
		name, generators, more string
		do                     func(w *world)
		want                   string
	}{
		{"an outage", files, "", func(w *world) { w.down = errors.New("unreachable") }, "True ApplicationGenerationFromParamsError: generator 0: spec.generators[0].git: unreachable (still at commit aaaaaaa, of 2026-11-26T12:00:00Z)"},
		{"a file", files, "", func(w *world) { w.write("a.yaml", "name: [") }, "True ApplicationGenerationFromParamsError: generator 0: spec.generators[0].git.files: a.yaml: "},
		{"one of two generators", `[{list: {elements: [{name: a}]}}, {plugin: {configMapRef: {name: x}}}]`, "", func(*world) {}, "True ApplicationGenerationFromParamsError: generator 1: spec.generators[1].plugin: nobody asks"},
		{"a template", listOf("a", "b") + "\n  templatePatch: '{{ .x.y }}'", "", func(*world) {}, "True RenderTemplateParamsError: "},
		{"nothing", "[{list: {elements: []}}]", "", func(*world) {}, "True DeleteApplicationError: deletions are held: 3 of 3 Applications would be deleted: a, b, c: approve with annotation tidelock.io/approve: "},
		{"no name", `[{list: {elements: [{name: a}, {name: "A_"}]}}]`, "", func(*world) {}, "True ApplicationValidationError: of parameters 1 (name A_): spec.template.metadata.name: "},
		{"no steps", listOf("x"), "strategy: {type: RollingSync, rollingSync: {steps: []}}", func(*world) {}, "True ApplicationSetRolloutError: No steps defined for rollout"},
		{"a rule", listOf("x"), `ignoreApplicationDifferences: [{jqPathExpressions: [".spec["]}]`, func(*world) {}, "True ApplicationValidationError: spec.ignoreApplicationDifferences: "},
		{"no generator", "[{}]", "", func(*world) {}, "True ApplicationGenerationFromParamsError: spec.generators[0]: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.write("a.yaml", "name: a")
			w.write("b.yaml", "name: b")
			w.write("c.yaml", "name: c")
			w.apply(setOf("apps", files, ""))
			w.must("apps")
			before := maps.Clone(w.apps)
			tt.do(w)
			w.apply(setOf("apps", tt.generators, tt.more))
			w.must("apps")
			if got := w.condition("apps", api.ApplicationSetErrorOccurred); !strings.HasPrefix(got, tt.want) {
				t.Errorf("it says %s", got)
			}
			if diff := cmp.Diff(before, w.apps); diff != "" {
				t.Error(diff)
			}
			w.took()
			w.must("apps")
			if took := w.took(); len(took) > 0 {
				t.Errorf("a second look made these requests: %v", took)
			}
		})
	}
}

// write puts a file into the repository.
func (w *world) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// TestServicesAreAskedSeldom: as often as the generator says, and when somebody asks for
// it; that there was no answer counts for a minute.
func TestServicesAreAskedSeldom(t *testing.T) {
	w := newWorld(t)
	generator := `[{pullRequest: {requeueAfterSeconds: 600, github: {owner: o, repo: r}, values: {}}}]`
	set := strings.ReplaceAll(setOf("apps", generator, ""), "{{ .name }}", "pr-{{ .number }}")
	w.apply(set)
	looks := func(want int) {
		t.Helper()
		w.must("apps")
		w.must("apps")
		if w.asked != want {
			t.Errorf("it was asked %d times, want %d", w.asked, want)
		}
		w.asked = 0
	}
	looks(1)
	if got := w.names(); got != "pr-1 pr-2" {
		t.Errorf("there are %s", got)
	}
	w.now = w.now.Add(599 * time.Second)
	looks(0)
	w.now = w.now.Add(2 * time.Second)
	looks(1)
	w.apply(strings.Replace(set, "metadata: {name: apps}", `metadata: {name: apps, annotations: {argocd.argoproj.io/application-set-refresh: "true"}}`, 1))
	looks(1)
	if _, asks := w.sets["apps"].Annotations[api.AnnotationApplicationSetRefresh]; asks {
		t.Error("it is not said that it was refreshed")
	}
	w.down, w.now = errors.New("502"), w.now.Add(time.Hour)
	looks(1)
	w.down = nil
	looks(0)
	if got := w.names(); got != "pr-1 pr-2" {
		t.Errorf("there are %s", got)
	}
	w.now = w.now.Add(time.Minute)
	looks(1)
	w.apply(strings.Replace(set, "owner: o", "owner: other", 1))
	looks(1)

	// news that somebody has signed count at once, others a minute after the last answer
	news := func(owner string, signed bool) {
		w.Renew(func(g *api.Generator) bool { return g.PullRequest.Github.Owner == owner }, signed)
	}
	news("somebody", true)
	looks(0)
	news("other", true)
	looks(1)
	news("other", false)
	looks(0)
	w.now = w.now.Add(time.Minute)
	looks(1)
	w.Renew(nil, true)
	looks(1)

	// what a service said of before the news does not count after them
	w.now, w.heard = w.now.Add(time.Hour), func() { news("other", true) }
	looks(2)
}

// TestServicesThatWantRest: a service that says until when it is not to be asked is not,
// whatever news there are; but a person may have it asked.
func TestServicesThatWantRest(t *testing.T) {
	w := newWorld(t)
	set := strings.ReplaceAll(setOf("apps", `[{pullRequest: {requeueAfterSeconds: 600, github: {owner: o, repo: r}}}]`, ""), "{{ .name }}", "pr-{{ .number }}")
	w.apply(set)
	w.must("apps")
	asked := func(want int, when string) {
		t.Helper()
		w.asked = 0
		w.must("apps")
		if w.asked != want {
			t.Errorf("%s it was asked %d times, want %d", when, w.asked, want)
		}
	}
	news := func() { w.Renew(func(*api.Generator) bool { return true }, true) }
	w.down = fmt.Errorf("list: %w", &forge.Refusal{Status: 429, Until: w.now.Add(45 * time.Minute)})
	news()
	asked(1, "of the news")
	if got := w.condition("apps", api.ApplicationSetErrorOccurred); !strings.HasPrefix(got, "True ApplicationGenerationFromParamsError: ") || w.names() != "pr-1 pr-2" {
		t.Errorf("there are %s, and it says %s", w.names(), got)
	}
	w.now = w.now.Add(44 * time.Minute)
	asked(0, "before that")
	news()
	asked(0, "of more news")
	w.now = w.now.Add(time.Minute)
	w.down = &forge.Refusal{Status: 403, Until: w.now.Add(48 * time.Hour)}
	asked(1, "then")
	w.apply(strings.Replace(set, "metadata: {name: apps}", `metadata: {name: apps, annotations: {argocd.argoproj.io/application-set-refresh: "true"}}`, 1))
	asked(1, "for a person")
	w.now = w.now.Add(59 * time.Minute)
	asked(0, "within an hour")
	w.down, w.now = nil, w.now.Add(time.Minute)
	asked(1, "after an hour, at the latest,")
	if got := w.condition("apps", api.ApplicationSetErrorOccurred); !strings.HasPrefix(got, "False ") {
		t.Errorf("it says %s", got)
	}
}

// TestTold: what is wrong is told by an Event, once, and what was done by one.
func TestTold(t *testing.T) {
	w := newWorld(t)
	w.apply(setOf("apps", listOf(many(12)...), ""))
	w.must("apps")
	w.must("apps")
	w.apply(setOf("apps", "[{list: {elements: []}}]", ""))
	w.must("apps")
	w.must("apps")
	if len(w.events) != 2 || !strings.HasPrefix(w.events[0], "Created: created 12 Applications: app-0000, ") || !strings.HasSuffix(w.events[0], "app-0009, …") ||
		!strings.HasPrefix(w.events[1], "DeletionHeld: 12 of 12 Applications would be deleted: ") {
		t.Errorf("%q", w.events)
	}
}

// TestReverse: with a set that is deleted its steps go, the last first, each when the one
// after it is gone; a set that may not delete lets go of its Applications.
func TestReverse(t *testing.T) {
	strategy := `strategy: {type: RollingSync, deletionOrder: Reverse, rollingSync: {steps: [{matchExpressions: [{key: step, operator: In, values: [a, b]}]}, {matchExpressions: [{key: step, operator: In, values: [c]}]}]}}`
	set := strings.Replace(setOf("apps", listOf("a", "b", "c", "d"), strategy), "metadata: {name: '{{ .name }}'}", "metadata: {name: '{{ .name }}', labels: {step: '{{ .name }}'}}", 1)
	w := newWorld(t)
	w.apply(set)
	w.must("apps")
	if got := w.sets["apps"].Finalizers; !slices.Equal(got, []string{api.FinalizerResources}) {
		t.Fatalf("finalizers %v", got)
	}
	w.end("apps")
	for _, want := range []string{"a b d", "d", "d"} {
		w.must("apps")
		if got := w.names(); got != want {
			t.Errorf("there are %s, want %s", got, want)
		}
	}
	if got := w.sets["apps"].Finalizers; len(got) > 0 {
		t.Errorf("it is not let go of: %v", got)
	}

	w = newWorld(t)
	w.apply(strings.Replace(setOf("apps", listOf("a", "b"), "syncPolicy: {applicationsSync: create-only}"), "{name: apps}", "{name: apps, finalizers: [resources-finalizer.argocd.argoproj.io]}", 1))
	w.must("apps")
	w.end("apps")
	w.must("apps")
	if got := w.names(); got != "a b" || len(w.apps["a"].OwnerReferences)+len(w.sets["apps"].Finalizers) > 0 {
		t.Errorf("there are %s, of %v", got, w.apps["a"].OwnerReferences)
	}
}

// end marks a set as being deleted.
func (w *world) end(name string) {
	w.mu.Lock()
	set := w.sets[name].DeepCopy()
	set.DeletionTimestamp = &metav1.Time{Time: w.now}
	set.ResourceVersion = w.next()
	w.sets[name] = set
	w.mu.Unlock()
	w.catchUp()
}

// TestMine: of several processes one works on a set.
func TestMine(t *testing.T) {
	w := newWorld(t)
	mine := false
	w.Mine = func(set types.NamespacedName) bool { return mine && set.Namespace == "argocd" && set.Name == "apps" }
	w.apply(setOf("apps", listOf("a"), ""))
	w.must("apps")
	if took := w.took(); len(took) > 0 {
		t.Errorf("another's set: %v", took)
	}
	mine = true
	w.must("apps")
	if got := w.names(); got != "a" {
		t.Errorf("there are %s", got)
	}
}

// TestMovedWhileRead: a repository that moves while a set reads it for the first time is
// looked at again.
func TestMovedWhileRead(t *testing.T) {
	w := newWorld(t)
	w.write("a.yaml", "name: a")
	w.Verify = func(context.Context, *api.Application, git.Repo, string, string) error {
		w.Moved("https://git.example.com/r")
		return nil
	}
	w.apply(setOf("apps", `[{git: {repoURL: "https://git.example.com/r.git", revision: main, files: [{path: "*.yaml"}]}}]`, ""))
	name, _ := w.queue.Get() // the set is new
	w.must(name.Name)
	w.queue.Done(name)
	if w.queue.Len() != 1 {
		t.Errorf("%d looks are due, want 1", w.queue.Len())
	}
}

// TestGitIsAskedAsOftenAsSaid: requeueAfterSeconds of a generator that reads Git, or of one
// within another, has the repository asked before it is asked anyway.
func TestGitIsAskedAsOftenAsSaid(t *testing.T) {
	git := func(more string) string {
		return `git: {repoURL: r, revision: main` + more + `, files: [{path: "*.yaml"}]}`
	}
	const list = "list: {elements: [{x: y}]}"
	for _, tt := range []struct {
		name, generators string
		every            time.Duration // 0 is never
	}{
		{"not said", "[{" + git("") + "}]", 0},
		{"said", "[{" + git(", requeueAfterSeconds: 30") + "}]", 30 * time.Second},
		{"never", "[{" + git(", requeueAfterSeconds: 0") + "}]", 0},
		{"too often", "[{" + git(", requeueAfterSeconds: 1") + "}]", leastEvery},
		{"beside another", "[{" + list + "}, {" + git(", requeueAfterSeconds: 30") + "}, {" + git(", requeueAfterSeconds: 20") + "}]", 20 * time.Second},
		{"in a matrix", "[{matrix: {generators: [{" + list + "}, {" + git(", requeueAfterSeconds: 40") + "}]}}]", 40 * time.Second},
		{"in a merge in a matrix", "[{matrix: {generators: [{" + list + "}, {merge: {mergeKeys: [name], generators: [{" + git(", requeueAfterSeconds: 50") + "}, {" + list + "}]}}]}}]", 50 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.write("a.yaml", "name: a")
			w.apply(setOf("apps", tt.generators, ""))
			again, err := w.pass(t.Context(), in("apps"))
			next, later := refresh, time.Hour
			if tt.every > 0 {
				next, later = tt.every, tt.every
			}
			if err != nil || again != next || w.resolved != 0 {
				t.Fatalf("the next look is in %s, want %s; it was asked %d times; %v", again, next, w.resolved, err)
			}
			w.now = w.now.Add(later - time.Second)
			w.must("apps")
			if w.resolved != 0 {
				t.Error("it is asked before its time")
			}
			w.now = w.now.Add(time.Second)
			w.must("apps")
			w.must("apps")
			if asked := w.resolved > 0; asked != (tt.every > 0) || w.resolved > 2 {
				t.Errorf("it was asked %d times", w.resolved)
			}
		})
	}
}

// TestHanging: a pass that has not ended long after its deadline is counted.
func TestHanging(t *testing.T) {
	w := newWorld(t)
	first, second := w.busy(in("a")), w.busy(in("b"))
	w.now = w.now.Add(passTimeout)
	if n := w.Hanging(); n != 0 {
		t.Errorf("%d hang at their deadline", n)
	}
	w.now = w.now.Add(2 * overdue)
	if n := w.Hanging(); n != 2 {
		t.Errorf("%d hang, want 2", n)
	}
	first()
	if n := w.Hanging(); n != 1 {
		t.Errorf("%d hang, want 1", n)
	}
	second()
}
