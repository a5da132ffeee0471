package shadow

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/render/manifest"
	"sigs.k8s.io/yaml"
)

// at is when we have looked; Argo CD has a minute before.
var at = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

const theirs = `
metadata: {name: shop, namespace: argocd}
spec:
  project: default
  source: {repoURL: https://git.example.com/shop.git, targetRevision: main, path: web}
  destination: {server: https://kubernetes.default.svc, namespace: shop}
status:
  reconciledAt: "2026-11-26T11:59:00Z"
  sourceType: Directory
  sync:
    status: Synced
    revision: aaaa
    comparedTo:
      source: {repoURL: https://git.example.com/shop.git, targetRevision: main, path: web}
      destination: {server: https://kubernetes.default.svc, namespace: shop}
  health: {status: Healthy}
  resources:
  - {group: apps, version: v1, kind: Deployment, namespace: shop, name: web, status: Synced, health: {status: Healthy}}
  - {version: v1, kind: ConfigMap, namespace: shop, name: settings, status: Synced}
  - {group: batch, version: v1, kind: Job, namespace: shop, name: migrate, hook: true}
`

// edit changes what stands in a text: old => new, one a line; NOTHING takes it out.
func edit(t *testing.T, text, edits string) string {
	t.Helper()
	for line := range strings.Lines(edits) {
		before, after, ok := strings.Cut(strings.TrimSpace(line), " => ")
		if !ok {
			continue
		}
		if !strings.Contains(text, before) {
			t.Fatalf("there is no %q in\n%s", before, text)
		}
		text = strings.ReplaceAll(text, before, strings.ReplaceAll(after, "NOTHING", ""))
	}
	return text
}

func application(t *testing.T, text string) *api.Application {
	t.Helper()
	app := &api.Application{}
	if err := yaml.UnmarshalStrict([]byte(text), app); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return app
}

// ours is what we have found where our status is that of an Application.
func ours(app *api.Application) Found {
	found := Found{Status: app.Status, At: at, Render: "digest"}
	found.Status.ReconciledAt = nil
	for _, r := range app.Status.Resources {
		if r.Hook {
			continue
		}
		o := Object{Key: keyOf(r), Verdict: diff.Same, Changed: at.Add(-time.Hour)}
		if r.Status == api.SyncCodeOutOfSync {
			o.Verdict, o.Known = diff.Update, true
			o.Fields = []diff.Field{{Path: "spec.replicas", Live: "1", Desired: "2"}}
		}
		if r.RequiresPruning {
			o.Verdict = diff.Extra
		}
		found.Objects = append(found.Objects, o)
	}
	return found
}

// summary prints a comparison.
func summary(a Application) string {
	var b strings.Builder
	fmt.Fprintln(&b, a.Outcome, a.Why)
	for _, d := range a.Differences {
		fmt.Fprintln(&b, d)
	}
	for _, d := range a.Pending {
		fmt.Fprintln(&b, "pending", d)
	}
	for _, d := range a.ByDesign {
		fmt.Fprintln(&b, "fine", d)
	}
	return strings.TrimSpace(strings.ReplaceAll(b.String(), " \n", "\n"))
}

func TestCompare(t *testing.T) {
	const child = `  - {group: argoproj.io, version: v1alpha1, kind: Application, namespace: argocd, name: child, status: Synced`
	for _, tt := range []struct {
		name         string
		theirs, ours string // edits
		change       func(*Found)
		want         string
	}{
		{"the same", "", "", nil, "Same"},
		{"never looked at", `reconciledAt: "2026-11-26T11:59:00Z" => sourceTypes: []`, "", nil, "Pending Argo CD has not looked at it yet"},
		{"another revision", "", "revision: aaaa => revision: bbbb", nil, "Pending Argo CD is at aaaa, and we are at bbbb: it looks at least every 5m0s"},
		{"an operation", "sourceType: Directory => operationState: {phase: Running, startedAt: \"2026-11-26T11:59:00Z\", operation: {sync: {}}}", "", nil, "Pending Argo CD is syncing it"},
		{"a refresh", "name: shop, namespace: argocd} => name: shop, namespace: argocd, annotations: {argocd.argoproj.io/refresh: normal}}", "", nil, "Pending Argo CD was asked to look again"},
		{"sync of an object, and so of all", "", "name: web, status: Synced => name: web, status: OutOfSync", func(f *Found) { f.Status.Sync.Status = api.SyncCodeOutOfSync },
			"Differs\nsync of apps/Deployment shop/web: ours OutOfSync, Argo CD's Synced\nsync: ours OutOfSync, Argo CD's Synced"},
		{"the object has changed since", "", "name: web, status: Synced => name: web, status: OutOfSync", func(f *Found) {
			f.Status.Sync.Status = api.SyncCodeOutOfSync
			f.Objects[0].Changed = at
		}, "Pending\npending sync of apps/Deployment shop/web: ours OutOfSync, Argo CD's Synced (it has changed since Argo CD has looked)\npending sync: ours OutOfSync, Argo CD's Synced (it has changed since Argo CD has looked)"},
		{"health of an object", "status: Synced, health: {status: Healthy} => status: Synced, health: {status: Degraded}", "", nil,
			"Differs\nhealth of apps/Deployment shop/web: ours Healthy, Argo CD's Degraded"},
		{"Argo CD keeps the health of objects to itself", "sourceType: Directory => resourceHealthSource: appTree\n, health: {status: Healthy}} => }", "", nil, "Same"},
		{"by design: no check of ours", "", "name: web, status: Synced, health: {status: Healthy} => name: web, status: Synced", nil,
			"ByDesign\nfine health of apps/Deployment shop/web: ours none, Argo CD's Healthy (by design: what has no health check here counts as healthy)"},
		{"an object that only they have", "", "  - {version: v1, kind: ConfigMap, namespace: shop, name: settings, status: Synced} => NOTHING", nil,
			"Differs\npresence of ConfigMap shop/settings: ours none, Argo CD's Synced"},
		{"an object that only we have", "  - {version: v1, kind: ConfigMap, namespace: shop, name: settings, status: Synced} => NOTHING", "", nil,
			"Differs\npresence of ConfigMap shop/settings: ours Synced, Argo CD's none"},
		{"pruning", "name: settings, status: Synced => name: settings, status: OutOfSync, requiresPruning: true", "name: settings, status: Synced => name: settings, status: OutOfSync", nil,
			"Differs\npruning of ConfigMap shop/settings: ours stated, Argo CD's to be pruned"},
		{"by design: a default", "name: web, status: Synced => name: web, status: OutOfSync", "", func(f *Found) { f.Status.Sync.Status = api.SyncCodeSynced },
			"ByDesign\nfine sync of apps/Deployment shop/web: ours Synced, Argo CD's OutOfSync (by design: what a server fills in, or admission changes, is no difference)"},
		{"by design: another's object", "", "name: web, status: Synced => name: web, status: OutOfSync", func(f *Found) { f.Objects[0].Verdict = diff.Foreign },
			"ByDesign\nfine sync of apps/Deployment shop/web: ours OutOfSync, Argo CD's Synced (by design: an object of another Application is reported, and left to that)"},
		{"by design: only a mark is missing", "", "name: web, status: Synced => name: web, status: OutOfSync", func(f *Found) {
			f.Status.Sync.Status = api.SyncCodeOutOfSync
			f.Objects[0].Fields = []diff.Field{{Path: `metadata.annotations["argocd.argoproj.io/tracking-id"]`, Desired: "x"}}
		}, "ByDesign\nfine sync of apps/Deployment shop/web: ours OutOfSync, Argo CD's Synced (by design: that only a mark of the Application is missing is no difference between the two: the next sync of either writes it)\n" +
			"fine sync: ours OutOfSync, Argo CD's Synced (by design: that only a mark of the Application is missing is no difference between the two: the next sync of either writes it)"},
		{"a condition of theirs", "sourceType: Directory => conditions: [{type: OrphanedResourceWarning, message: x}]", "", nil,
			"Differs\ncondition: ours none, Argo CD's OrphanedResourceWarning"},
		{"the same condition in other words", "sourceType: Directory => conditions: [{type: OrphanedResourceWarning, message: x}]", "sourceType: Directory => conditions: [{type: OrphanedResourceWarning, message: y}]", nil, "Same"},
		{"a condition of ours", "", "sourceType: Directory => conditions: [{type: UnsupportedWarning, message: y}]", nil,
			"ByDesign\nfine condition: ours UnsupportedWarning, Argo CD's none (by design: only Tidelock says so)"},
		{"a sync that failed is nobody's difference", "sourceType: Directory => conditions: [{type: SyncError, message: x}]", "", nil, "Same"},
		{"source type", "sourceType: Directory => sourceType: Helm", "", nil, "Differs\nsource type: ours Directory, Argo CD's Helm"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found := ours(application(t, edit(t, theirs, tt.ours)))
			if tt.change != nil {
				tt.change(&found)
			}
			got := Compare(application(t, edit(t, theirs, tt.theirs)), found, Standing{Patience: 5 * time.Minute})
			if summary(got) != tt.want {
				t.Errorf("got\n%s\nwant\n%s", summary(got), tt.want)
			}
		})
	}
	t.Run("by design: a child's health", func(t *testing.T) {
		app := application(t, theirs+child+"}\n")
		found := ours(application(t, theirs+child+", health: {status: Degraded}}\n"))
		found.Status.Health.Status = api.HealthDegraded
		want := "ByDesign\nfine health of argoproj.io/Application argocd/child: ours Degraded, Argo CD's none (by design: the health of a child Application counts)\n" +
			"fine health: ours Degraded, Argo CD's Healthy (by design: the health of a child Application counts)"
		if got := summary(Compare(app, found, Standing{})); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
	t.Run("we cannot render it", func(t *testing.T) {
		found := Found{At: at, Status: api.ApplicationStatus{
			Sync: api.SyncStatus{Status: api.SyncCodeUnknown}, Health: api.HealthStatus{Status: api.HealthUnknown},
			Conditions: []api.Condition{{Type: api.ConditionComparisonError, Message: "no such chart"}},
		}}
		since := func(long time.Duration) Standing {
			return Standing{Patience: time.Minute, Since: func(string) time.Time { return at.Add(-long) }}
		}
		for _, standing := range []Standing{{}, since(5 * time.Minute)} {
			got := Compare(application(t, theirs), found, standing)
			if got.Outcome != Differs || len(got.Differences) != 5 {
				t.Errorf("got\n%s", summary(got))
			}
		}
		want := "Pending we cannot compare it now, or Argo CD cannot, which keeps its last word for 3m0s when it cannot read a source"
		if got := summary(Compare(application(t, theirs), found, since(4*time.Minute))); got != want {
			t.Errorf("got\n%s", got)
		}
	})
	refused := func(app *api.Application) *api.Application {
		app.Status = api.ApplicationStatus{
			Sync: api.SyncStatus{Status: api.SyncCodeUnknown}, Health: api.HealthStatus{Status: api.HealthUnknown}, Resources: app.Status.Resources,
			Conditions: []api.Condition{{Type: api.ConditionInvalidSpecError, Message: "Application referencing project shop which does not exist"}},
		}
		return app
	}
	t.Run("both refuse it, and Argo CD has never looked", func(t *testing.T) {
		app := refused(application(t, theirs))
		found := Found{At: at, Status: app.Status}
		found.Status.Resources = nil
		if got := summary(Compare(app, found, Standing{})); got != "Same" {
			t.Error(got)
		}
		app.Status.Resources = nil
		if got := summary(Compare(app, found, Standing{})); got != "Same" {
			t.Error(got)
		}
	})
	t.Run("one refuses it", func(t *testing.T) {
		fresh := " (it has changed since Argo CD has looked)"
		for _, tt := range []struct {
			name string
			app  *api.Application
			want string
		}{
			{"Argo CD", refused(application(t, theirs)), "pending sync: ours Synced, Argo CD's Unknown" + fresh + "\npending health: ours Healthy, Argo CD's Unknown" + fresh + "\npending condition: ours none, Argo CD's InvalidSpecError" + fresh},
			{"we", application(t, theirs), "pending sync: ours Unknown, Argo CD's Synced" + fresh + "\npending health: ours Unknown, Argo CD's Healthy" + fresh + "\npending condition: ours InvalidSpecError, Argo CD's none" + fresh},
		} {
			found := ours(application(t, theirs))
			if tt.name == "we" {
				found = Found{At: at, Status: refused(application(t, theirs)).Status}
			}
			if got := summary(Compare(tt.app, found, Standing{})); got != "Pending\n"+tt.want {
				t.Errorf("%s: got\n%s", tt.name, got)
			}
			late := Standing{Patience: time.Minute, Since: func(string) time.Time { return at.Add(-time.Hour) }}
			if got := Compare(tt.app, found, late); got.Outcome != Differs || len(got.Differences) != 3 {
				t.Errorf("%s: in the end\n%s", tt.name, summary(got))
			}
		}
	})
	t.Run("neither can render it", func(t *testing.T) {
		app := application(t, theirs)
		app.Status.Sync.Status = api.SyncCodeUnknown
		found := Found{At: at, Status: app.Status}
		found.Status.Health.Status, found.Status.Resources = api.HealthUnknown, nil
		for i := range app.Status.Resources {
			app.Status.Resources[i].Status = api.SyncCodeUnknown
		}
		want := "ByDesign\nfine health: ours Unknown, Argo CD's Healthy (by design: what cannot be compared is not said to be healthy)"
		if got := summary(Compare(app, found, Standing{})); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
	t.Run("an Ingress without an address", func(t *testing.T) {
		app := application(t, strings.Replace(theirs, "kind: Deployment", "kind: Ingress", 1))
		found := ours(application(t, strings.Replace(theirs, "kind: Deployment", "kind: Ingress", 1)))
		app.Status.Health.Status, app.Status.Resources[0].Health.Status = api.HealthProgressing, api.HealthProgressing
		because := " (by design: an Ingress is healthy without an address, for many controllers never give it one)"
		want := "ByDesign\nfine health of apps/Ingress shop/web: ours Healthy, Argo CD's Progressing" + because + "\nfine health: ours Healthy, Argo CD's Progressing" + because
		if got := summary(Compare(app, found, Standing{})); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
	t.Run("one is missing, before 3.4", func(t *testing.T) {
		app := application(t, edit(t, theirs, "health: {status: Healthy}} => health: {status: Missing}}"))
		found := ours(app)
		app.Status.Health.Status = api.HealthMissing
		want := "ByDesign\nfine health: ours Healthy, Argo CD's Missing (by design: one missing object makes no Application Missing, as in Argo CD since 3.4)"
		if got := summary(Compare(app, found, Standing{})); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
	t.Run("being deleted", func(t *testing.T) {
		app := application(t, strings.Replace(theirs, "namespace: argocd}", `namespace: argocd, deletionTimestamp: "2026-11-26T11:59:00Z"}`, 1))
		if got := summary(Compare(app, ours(app), Standing{})); got != "Pending it is being deleted" {
			t.Error(got)
		}
	})
	t.Run("another spec", func(t *testing.T) {
		app := application(t, theirs)
		app.Spec.Source.TargetRevision = "next"
		if got := summary(Compare(app, ours(app), Standing{})); got != "Pending its spec has changed since Argo CD has looked" {
			t.Error(got)
		}
	})
}

// TestChanges: what a sync of ours would do is told, comparable or not.
func TestChanges(t *testing.T) {
	app := application(t, strings.Replace(theirs, "revision: aaaa", "revision: old", 1))
	found := ours(application(t, strings.Replace(theirs, "name: web, status: Synced", "name: web, status: OutOfSync", 1)))
	found.Objects = append(found.Objects,
		Object{Key: manifest.Key{Kind: "ConfigMap", Namespace: "shop", Name: "old"}, Verdict: diff.Extra},
		Object{Key: manifest.Key{Kind: "Secret", Namespace: "shop", Name: "db"}, Verdict: diff.Update, Err: errors.New("no right to")},
	)
	got := Compare(app, found, Standing{})
	var lines []string
	for _, c := range got.Changes {
		lines = append(lines, fmt.Sprint(c.Verdict, " ", c.Object, " ", c.Fields, c.Error))
	}
	want := "update apps/Deployment shop/web [spec.replicas: live 1, desired 2]\nextra ConfigMap shop/old []\nupdate Secret shop/db []no right to"
	if text := strings.Join(lines, "\n"); text != want || got.Objects != 3 || got.Outcome != Pending {
		t.Errorf("got\n%s\n%d objects, %s", text, got.Objects, got.Outcome)
	}
}

// TestLedger: what differs counts at last, however often Argo CD says that it has
// looked, and each change is told once.
func TestLedger(t *testing.T) {
	l := NewLedger(func() time.Duration { return 5 * time.Minute })
	var told []string
	l.Changed = func(a Application) { told = append(told, summary(a)) }
	app := application(t, theirs)
	found := ours(application(t, strings.Replace(theirs, "revision: aaaa", "revision: bbbb", 1)))
	for _, after := range []time.Duration{0, 4 * time.Minute, 5 * time.Minute, 6 * time.Minute, 7 * time.Minute} {
		found.At = at.Add(after)
		l.Found(app, found)
	}
	found = ours(app)
	found.At = at.Add(8 * time.Minute)
	l.Found(app, found)
	want := "Pending Argo CD is at aaaa, and we are at bbbb: it looks at least every 5m0s|Differs\nrevision: ours bbbb, Argo CD's aaaa|Same"
	if got := strings.Join(told, "|"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if r := l.Report(at); r.Summary != (Summary{Same: 1}) || !r.Summary.Agrees() {
		t.Errorf("%+v", r.Summary)
	}
	l.Gone("argocd", "shop")
	if r := l.Report(at); len(r.Applications) != 0 || r.Summary != (Summary{}) {
		t.Errorf("%+v", r)
	}
}

func TestSets(t *testing.T) {
	set := &api.ApplicationSet{}
	set.Namespace, set.Name = "argocd", "apps"
	made := &api.Application{}
	made.Name = "shop"
	for name, tt := range map[string]struct {
		plan appset.Plan
		err  error
		want Outcome
	}{
		"nothing to do": {appset.Plan{Kept: []string{"a"}}, nil, Same},
		"create":        {appset.Plan{Create: []*api.Application{made}}, nil, Differs},
		"delete":        {appset.Plan{Delete: []string{"a"}}, nil, Differs},
		"held":          {appset.Plan{Held: "2 of 2 would be deleted"}, nil, Differs},
		"unknown":       {appset.Plan{}, errors.New("no such repository"), Differs},
	} {
		if got := CompareSet(set, tt.plan, tt.err); got.Outcome != tt.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
	l := NewLedger(func() time.Duration { return 0 })
	told := 0
	l.SetChanged = func(Set) { told++ }
	for range 2 {
		l.FoundSet(CompareSet(set, appset.Plan{}, nil))
	}
	l.FoundSet(CompareSet(set, appset.Plan{Delete: []string{"a"}}, nil))
	if told != 2 || l.Report(at).Summary.Differs != 1 {
		t.Errorf("told %d times: %+v", told, l.Report(at))
	}
	l.GoneSet("argocd", "apps")
	if len(l.Report(at).Sets) != 0 {
		t.Error("it is not gone")
	}
}
