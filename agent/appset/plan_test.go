package appset

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/tidelock-io/tidelock/agent/api"
)

// liveApps reads "name", "name:other" (another set's) and "name!" (whose path is not the
// generated one). "name?" is nobody's.
func liveApps(text string) (apps []*api.Application) {
	for name := range strings.FieldsSeq(text) {
		app := &api.Application{Spec: api.ApplicationSpec{Project: "default", Source: &api.Source{RepoURL: "r", Path: "p"}, Destination: api.Destination{Name: "in-cluster"}}}
		name, owner, others := strings.Cut(name, ":")
		if !others {
			owner = "apps"
		}
		if strings.HasSuffix(name, "!") {
			app.Spec.Source.Path = "other"
		}
		if !strings.HasSuffix(name, "?") {
			app.OwnerReferences = ownedBy(&api.ApplicationSet{ObjectMeta: metav1.ObjectMeta{Name: owner}}, app)
		}
		app.Name = strings.TrimRight(name, "!?")
		app.Finalizers = []string{api.FinalizerResources}
		apps = append(apps, app)
	}
	return apps
}

func TestPlan(t *testing.T) {
	for _, tt := range []struct{ name, policy, generated, live, want string }{
		{"all three verbs", "", "a b c", "a b! x", "create c\nupdate b\ndelete x\n"},
		{"nothing to do", "sync", "a b", "a b", ""},
		{"create only", "create-only", "a b c", "a b! x", "create c\nkeep b\nkeep x\n"},
		{"create and update", "create-update", "a b c", "a b! x", "create c\nupdate b\nkeep x\n"},
		{"create and delete", "create-delete", "a b c", "a b! x", "create c\ndelete x\nkeep b\n"},
		{"another's is not touched", "", "a b", "a:other x:other b", "foreign a\n"},
		{"nobody's is taken over, not deleted", "", "a", "a!? x?", "update a\n"},
		{"an invalid one is left alone", "", "a A_ b", "a A_! b", "leave alone A_\n"},
		{"which live one an invalid one is is not known", "", "a A_", "a b", "keep b\nleave alone A_\n"},
		{"nor which of two with one name", "", "a a c", "a b", "create c\nkeep b\nleave alone a\nleave alone a\n"},
		{"an empty result is held", "", "", "a b c", "held: 3 of 3 Applications would be deleted: a, b, c\n"},
		{"an empty result, approved", "approved", "", "a b c", "delete a\ndelete b\ndelete c\n"},
		{"more than half is held, the rest goes on", "", "a d", "a! b c", "create d\nupdate a\nheld: 2 of 3 Applications would be deleted: b, c\n"},
		{"half is not", "", "a b", "a b x y", "delete x\ndelete y\n"},
		{"one is not", "", "", "a", "delete a\n"},
		{"others do not count", "", "a", "a b c x:other y:other z:other", "held: 2 of 3 Applications would be deleted: b, c\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			set := &api.ApplicationSet{ObjectMeta: metav1.ObjectMeta{Name: "apps"}}
			approved := tt.policy == "approved"
			if policy := api.ApplicationsSync(tt.policy); policy != "" && !approved {
				set.Spec.SyncPolicy = &api.ApplicationSetSyncPolicy{ApplicationsSync: &policy}
			}
			result := &Result{}
			for _, app := range liveApps(tt.generated) {
				app.OwnerReferences = nil
				result.Applications = append(result.Applications, Generated{App: app})
			}
			g := &generation{set: set, spec: &set.Spec, result: result}
			g.validate()
			plan, err := PlanOf(set, result, liveApps(tt.live))
			if approved && err == nil {
				set.Annotations = map[string]string{api.AnnotationApprove: plan.Hash}
				plan, err = PlanOf(set, result, liveApps(tt.live))
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, plan.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPlanRefusesRulesThatCannotBeRead(t *testing.T) {
	set := &api.ApplicationSet{Spec: api.ApplicationSetSpec{IgnoreApplicationDifferences: []api.ApplicationIgnoreDifference{{JQPathExpressions: []string{".spec["}}}}}
	if plan, err := PlanOf(set, &Result{}, liveApps("a b")); err == nil {
		t.Errorf("got %s", plan)
	}
}

// TestUpdated: what becomes of a live Application.
func TestUpdated(t *testing.T) {
	for _, tt := range []struct{ name, set, live, want, is string }{
		{
			"what others put there goes, but for notifications and refreshes", `{}`,
			`{metadata: {name: a, labels: {x: y}, annotations: {mine: x, notified.notifications.argoproj.io: n, argocd.argoproj.io/refresh: hard}}, spec: {project: p}, status: {sync: {status: Synced}}, operation: {sync: {}}}`,
			`{metadata: {name: a}, spec: {project: p}}`,
			`{metadata: {name: a, annotations: {notified.notifications.argoproj.io: n, argocd.argoproj.io/refresh: hard}}, spec: {project: p}, status: {sync: {status: Synced}}, operation: {sync: {}}}`,
		},
		{
			"nor approvals", `{}`,
			`{metadata: {name: a, annotations: {tidelock.io/approve: x, argocd.argoproj.io/deletion-approved: y, tidelock.io/wait: z}}, spec: {project: p}}`,
			`{metadata: {name: a}, spec: {project: p}}`,
			`{metadata: {name: a, annotations: {tidelock.io/approve: x, argocd.argoproj.io/deletion-approved: y}}, spec: {project: p}}`,
		},
		{
			"preserved fields stay", `{preservedFields: {annotations: [mine], labels: [x]}}`,
			`{metadata: {name: a, labels: {x: y, z: z}, annotations: {mine: x, other: o}}, spec: {project: p}}`,
			`{metadata: {name: a, annotations: {mine: generated, new: n}}, spec: {project: p}}`,
			`{metadata: {name: a, labels: {x: y}, annotations: {mine: x, new: n}}, spec: {project: p}}`,
		},
		{
			"finalizers of a deletion's hooks stay", `{}`,
			`{metadata: {name: a, finalizers: [resources-finalizer.argocd.argoproj.io, post-delete-finalizer.argocd.argoproj.io/cleanup, mine]}, spec: {project: p}}`,
			`{metadata: {name: a, finalizers: [resources-finalizer.argocd.argoproj.io]}, spec: {project: p}}`,
			`{metadata: {name: a, finalizers: [resources-finalizer.argocd.argoproj.io, post-delete-finalizer.argocd.argoproj.io/cleanup]}, spec: {project: p}}`,
		},
		{
			"what is written otherwise is no difference", `{}`,
			`{metadata: {name: a}, spec: {project: default, syncPolicy: {}, source: {repoURL: r, helm: {}}}}`,
			`{metadata: {name: a}, spec: {source: {repoURL: r, kustomize: {}}}}`,
			``,
		},
		{
			"an ignored field is left as it is", `{ignoreApplicationDifferences: [{jsonPointers: [/spec/source/targetRevision]}]}`,
			`{metadata: {name: a}, spec: {project: p, source: {repoURL: r, targetRevision: mine}}}`,
			`{metadata: {name: a}, spec: {project: p, source: {repoURL: r, targetRevision: main}}}`,
			``,
		},
		{
			"also when another one changes", `{ignoreApplicationDifferences: [{jsonPointers: [/spec/source/targetRevision]}]}`,
			`{metadata: {name: a}, spec: {project: p, source: {repoURL: r, path: old, targetRevision: mine}}}`,
			`{metadata: {name: a}, spec: {project: p, source: {repoURL: r, path: new, targetRevision: main}}}`,
			`{metadata: {name: a}, spec: {project: p, source: {repoURL: r, path: new, targetRevision: mine}}}`,
		},
		{
			"and when nothing is generated for it", `{ignoreApplicationDifferences: [{jsonPointers: [/spec/syncPolicy]}]}`,
			`{metadata: {name: a}, spec: {project: p, source: {repoURL: r, path: old}, syncPolicy: {automated: {}}}}`,
			`{metadata: {name: a}, spec: {project: p, source: {repoURL: r, path: new}}}`,
			`{metadata: {name: a}, spec: {project: p, source: {repoURL: r, path: new}, syncPolicy: {automated: {}}}}`,
		},
		{
			"a rule for another Application", `{ignoreApplicationDifferences: [{name: b, jsonPointers: [/spec/source/targetRevision]}]}`,
			`{metadata: {name: a}, spec: {project: p, source: {repoURL: r, targetRevision: mine}}}`,
			`{metadata: {name: a}, spec: {project: p, source: {repoURL: r, targetRevision: main}}}`,
			`{metadata: {name: a}, spec: {project: p, source: {repoURL: r, targetRevision: main}}}`,
		},
		{
			"jq in a list", `{ignoreApplicationDifferences: [{jqPathExpressions: ['.spec.sources[] | select(.repoURL == "two") | .targetRevision']}]}`,
			`{metadata: {name: a}, spec: {project: p, sources: [{repoURL: one, targetRevision: "1"}, {repoURL: two, targetRevision: mine}]}}`,
			`{metadata: {name: a}, spec: {project: p, sources: [{repoURL: one, targetRevision: "1"}, {repoURL: two, targetRevision: "2"}]}}`,
			``,
		},
		{
			"a change elsewhere in the list replaces it as a whole", `{ignoreApplicationDifferences: [{jqPathExpressions: ['.spec.sources[] | select(.repoURL == "two") | .targetRevision']}]}`,
			`{metadata: {name: a}, spec: {project: p, sources: [{repoURL: one, targetRevision: "1"}, {repoURL: two, targetRevision: mine}]}}`,
			`{metadata: {name: a}, spec: {project: p, sources: [{repoURL: one, targetRevision: "9"}, {repoURL: two, targetRevision: "2"}]}}`,
			`{metadata: {name: a}, spec: {project: p, sources: [{repoURL: one, targetRevision: "9"}, {repoURL: two}]}}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			set := &api.ApplicationSet{}
			read(t, tt.set, &set.Spec)
			var live, want, is api.Application
			read(t, tt.live, &live)
			read(t, tt.want, &want)
			live.OwnerReferences = ownedBy(set, &live)
			before := live.DeepCopy()
			ignored, err := newIgnore(set.Spec.IgnoreApplicationDifferences)
			if err != nil {
				t.Fatal(err)
			}
			got, changed, err := updated(set, &live, &want, ignored)
			if err != nil || changed != (tt.is != "") {
				t.Fatalf("changed %v, %v", changed, err)
			}
			if diff := cmp.Diff(before, &live); diff != "" {
				t.Errorf("it changed its argument: %s", diff)
			}
			if !changed {
				return
			}
			read(t, tt.is, &is)
			is.OwnerReferences = live.OwnerReferences
			if diff := cmp.Diff(text(t, &is), text(t, got)); diff != "" {
				t.Error(diff)
			}
			if _, again, err := updated(set, got, &want, ignored); again || err != nil {
				t.Errorf("it is not at rest afterwards: %v", err)
			}
		})
	}
}

func read(t *testing.T, text string, into any) {
	t.Helper()
	if err := yaml.UnmarshalStrict([]byte(text), into); err != nil {
		t.Fatal(err)
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	out, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
