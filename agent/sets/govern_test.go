package sets

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
)

// TestRules: an administrator's policy counts before that of a set, unless sets may have
// their own; and what is preserved everywhere is, beside what a set preserves.
func TestRules(t *testing.T) {
	const own = "syncPolicy: {applicationsSync: sync}"
	for _, tt := range []struct {
		name, more string
		rules      Rules
		apps, path string // that there are in the end, and of what was edited
	}{
		{"no rules", "", Rules{}, "a", "a"},
		{"a policy", "", Rules{Policy: api.ApplicationsSyncCreateOnly}, "a b", "edited"},
		{"before the set's own", own, Rules{Policy: api.ApplicationsSyncCreateOnly}, "a b", "edited"},
		{"after it", own, Rules{Policy: api.ApplicationsSyncCreateOnly, Override: true}, "a", "a"},
		{"which it does not state", "syncPolicy: {preserveResourcesOnDeletion: true}", Rules{Policy: api.ApplicationsSyncCreateDelete, Override: true}, "a", "edited"},
		{"updates alone", own, Rules{Policy: api.ApplicationsSyncCreateUpdate}, "a b", "a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			tt.rules.Annotations, tt.rules.Labels = []string{"everywhere"}, []string{"everywhere"}
			w.Rule(tt.rules)
			more := tt.more + "\n  preservedFields: {annotations: [here]}"
			w.apply(setOf("apps", listOf("a", "b"), more))
			w.must("apps")
			w.edit("a", func(app *api.Application) {
				app.Spec.Source.Path = "edited"
				app.Annotations = map[string]string{"everywhere": "1", "here": "2", "nowhere": "3"}
				app.Labels = map[string]string{"everywhere": "4"}
			})
			w.apply(setOf("apps", listOf("a"), more))
			w.must("apps")
			w.are(tt.apps)
			a := w.apps["a"]
			if a.Spec.Source.Path != tt.path || a.Annotations["everywhere"]+a.Annotations["here"]+a.Labels["everywhere"] != "124" {
				t.Errorf("it has path %s, annotations %v and labels %v", a.Spec.Source.Path, a.Annotations, a.Labels)
			}
			if _, stays := a.Annotations["nowhere"]; stays != (tt.path == "edited") {
				t.Errorf("it has annotations %v", a.Annotations)
			}
			if p := w.sets["apps"].Spec.PreservedFields; len(p.Annotations) != 1 {
				t.Errorf("the set itself is changed: %v", p)
			}

			// a set that goes takes its Applications along only as it may
			w.apply(setOf("apps", listOf("a"), more))
			w.sets["apps"].Finalizers = []string{api.FinalizerResources}
			w.end("apps")
			w.must("apps")
			if let := len(w.apps["a"].OwnerReferences) == 0; let != (tt.apps == "a b") {
				t.Errorf("it is let go of: %t", let)
			}
		})
	}
}

// TestRulesChange: what is changed while the agent runs counts for the next look, which is
// due then.
func TestRulesChange(t *testing.T) {
	w := newWorld(t)
	w.apply(setOf("apps", listOf("a", "b"), ""))
	name, _ := w.queue.Get() // the set is new
	w.must("apps")
	w.queue.Done(name)
	w.Rule(Rules{Policy: api.ApplicationsSyncCreateOnly})
	if w.queue.Len() != 1 {
		t.Errorf("%d looks are due", w.queue.Len())
	}
	name, _ = w.queue.Get()
	w.queue.Done(name)
	w.Rule(Rules{Policy: api.ApplicationsSyncCreateOnly})
	if w.queue.Len() != 0 {
		t.Errorf("%d looks are due, though nothing has changed", w.queue.Len())
	}
	w.apply(setOf("apps", listOf("a"), ""))
	w.must("apps")
	w.are("a b")
}

// rollingOf is a set whose strategy is a rolling sync.
func rollingOf(name, generators string) string {
	return setOf(name, generators, "strategy: {type: RollingSync, rollingSync: {steps: [{matchExpressions: [{key: team, operator: In, values: [shop]}]}]}}")
}

// TestAllAtOnce: where rolling syncs are off, one has no effect, as in Argo CD, and that is
// said.
func TestAllAtOnce(t *testing.T) {
	w := newWorld(t)
	w.Rule(Rules{AllAtOnce: true})
	text := strings.Replace(rollingOf("apps", listOf("a", "b")), "    spec:\n", "    spec:\n      syncPolicy: {automated: {prune: true}}\n", 1)
	w.apply(text)
	w.must("apps")
	w.must("apps")
	if !w.apps["a"].Spec.SyncPolicy.IsAutomated() || len(w.sets["apps"].Status.ApplicationStatus) > 0 {
		t.Errorf("it is synced automatically: %t; it is in the rollout: %v", w.apps["a"].Spec.SyncPolicy.IsAutomated(), w.sets["apps"].Status.ApplicationStatus)
	}
	if got := w.condition("apps", api.ApplicationSetGenerationWarning); !strings.Contains(got, "spec.strategy: rolling syncs are off") || !strings.Contains(got, "--progressive-syncs") {
		t.Errorf("it says %q", got)
	}
	w.Rule(Rules{})
	w.must("apps")
	if w.apps["a"].Spec.SyncPolicy.IsAutomated() || len(w.sets["apps"].Status.ApplicationStatus) != 2 {
		t.Error("it is no rolling sync, though these are on again")
	}
	if got := w.condition("apps", api.ApplicationSetGenerationWarning); strings.Contains(got, "are off") {
		t.Errorf("it still says %q", got)
	}
}

// TestDryRun: in a dry run no request is made, whatever is to be done; what it would be is
// logged once.
func TestDryRun(t *testing.T) {
	w := newWorld(t)
	w.apply(setOf("apps", listOf("a", "b"), ""))
	w.must("apps")
	w.took()
	var log strings.Builder
	w.Log = slog.New(slog.NewTextHandler(&log, nil))
	w.Rule(Rules{DryRun: true})
	w.apply(setOf("apps", listOf("a", "c"), ""))
	w.must("apps")
	w.must("apps")
	w.end("apps")
	w.must("apps")
	w.are("a b")
	if took := w.took(); len(took) > 0 {
		t.Errorf("it made requests: %v", took)
	}
	if got := log.String(); strings.Count(got, "dry run") != 1 || !strings.Contains(got, `would="create c; delete b"`) {
		t.Errorf("it logs %s", got)
	}
	w.Rule(Rules{})
	w.apply(setOf("apps", listOf("a", "c"), ""))
	w.must("apps")
	w.are("a c")
}
