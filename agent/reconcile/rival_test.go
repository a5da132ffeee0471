package reconcile

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/rival"
	"github.com/tidelock-io/tidelock/agent/settings"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// A desk is a shelf whose Applications are written to.
type desk struct {
	shelf
	writes int
}

func (d *desk) Patch(_ context.Context, namespace, name string, patch []byte) (*api.Application, error) {
	d.writes++
	before, err := json.Marshal(d.Application(namespace, name))
	if err != nil {
		return nil, err
	}
	after, err := jsonpatch.MergePatch(before, patch)
	if err != nil {
		return nil, err
	}
	app := &api.Application{}
	if err := json.Unmarshal(after, app); err != nil {
		return nil, err
	}
	d.shelf[namespace+"/"+name] = app
	return app, nil
}

// seen is what is to be seen in a namespace.
type seen map[string]rival.State

func (s seen) State(_ context.Context, namespace string, _ time.Time) rival.State {
	return s[namespace]
}

func (s seen) Tidelock(ctx context.Context, namespace string, after time.Time) rival.State {
	return s.State(ctx, namespace, after)
}

// rivalled is an Application that Argo CD, in another namespace, has looked at.
func rivalled(t *testing.T) *api.Application {
	t.Helper()
	app := appIn(t, "web", `status: {reconciledAt: "`+at.Format(time.RFC3339)+`", controllerNamespace: theirs, conditions: [{type: OrphanedResourceWarning, message: one}]}`)
	app.ManagedFields = rival.Kept(read[api.Application](t, `{metadata: {managedFields: [{manager: argocd-application-controller, fieldsV1: {f:status: {f:reconciledAt: {}}}}]}}`).ManagedFields)
	return app
}

func TestContested(t *testing.T) {
	for _, tt := range []struct {
		name   string
		rivals Rivals
		change func(*api.Application)
		ignore bool
		want   bool
	}{
		{"it runs", seen{"theirs": rival.Runs}, nil, false, true},
		{"it may run", seen{}, nil, false, true},
		{"it runs elsewhere", seen{"theirs": rival.Stopped, "argocd": rival.Runs}, nil, false, false},
		{"it runs, and that is to be no matter", seen{"theirs": rival.Runs}, nil, true, false},
		{"nobody looks for it", nil, nil, false, false},
		{"new, and it runs here", seen{"argocd": rival.Runs}, func(app *api.Application) { app.ManagedFields, app.Status = nil, api.ApplicationStatus{} }, false, true},
		{"ours, and it runs", seen{"theirs": rival.Runs}, func(app *api.Application) { app.ManagedFields = nil }, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			app := rivalled(t)
			if tt.change != nil {
				tt.change(app)
			}
			r := New(Config{
				Namespace: "argocd", Rivals: tt.rivals, IgnoreRivals: tt.ignore, Now: func() time.Time { return at },
				Settings: func() *settings.Settings { return new(settings.Settings) },
			})
			if got := r.contested(t.Context(), app).Held; got != tt.want {
				t.Errorf("held: %v, want %v", got, tt.want)
			}
		})
	}
}

// TestYield: an Application that is Argo CD's is said to be, once, beside what that says,
// and nothing else is done about it, be it asked for, or be it deleted.
func TestYield(t *testing.T) {
	for _, name := range []string{"at rest", "asked to sync", "deleted"} {
		t.Run(name, func(t *testing.T) {
			app := rivalled(t)
			switch name {
			case "asked to sync":
				app.Operation = &api.Operation{Sync: &api.SyncOperation{}}
			case "deleted":
				app.DeletionTimestamp, app.Finalizers = app.Status.ReconciledAt, []string{"resources-finalizer.argocd.argoproj.io"}
			}
			store := &desk{shelf: shelf{"argocd/web": app}}
			r := New(Config{
				Namespace: "argocd", Store: store, Rivals: seen{"theirs": rival.Runs}, Log: slog.New(slog.DiscardHandler),
				Now: func() time.Time { return at }, Pipeline: forgetful{},
			})
			for range 3 {
				outcome, err := r.Reconcile(t.Context(), "argocd", "web")
				if err != nil || outcome.Failed || outcome.Again == 0 {
					t.Fatalf("%+v, %v", outcome, err)
				}
			}
			now := store.shelf["argocd/web"]
			if store.writes != 1 || len(now.Status.Conditions) != 2 || now.Status.Conditions[0].Message != "one" ||
				now.Status.Conditions[1].Type != ConditionRivalControllerWarning || now.Status.Conditions[1].LastTransitionTime == nil {
				t.Errorf("%d writes, conditions %+v", store.writes, now.Status.Conditions)
			}
			if (now.Operation == nil) != (app.Operation == nil) || len(now.Finalizers) != len(app.Finalizers) || !now.Status.ReconciledAt.Equal(app.Status.ReconciledAt) {
				t.Errorf("it has become %+v", now)
			}
		})
	}
}

// TestCede: an Application that another Tidelock works on is left to that without a word in
// its status, which that would take away; an Event is to tell, now and then.
func TestCede(t *testing.T) {
	now := at
	app := rivalled(t)
	app.ManagedFields = nil
	store := &desk{shelf: shelf{"argocd/web": app}}
	var told []string
	r := New(Config{
		Namespace: "argocd", Store: store, Rivals: seen{"theirs": rival.Runs}, Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return now }, Pipeline: forgetful{}, Settings: func() *settings.Settings { return new(settings.Settings) },
		Yielded: func(_ *api.Application, why string) { told = append(told, why) },
	})
	for i, after := range []time.Duration{0, time.Second, tellAgain, tellAgain + time.Second} {
		now = at.Add(after)
		outcome, err := r.Reconcile(t.Context(), "argocd", "web")
		if err != nil || outcome.Failed || outcome.Again == 0 {
			t.Fatalf("%d: %+v, %v", i, outcome, err)
		}
	}
	if store.writes != 0 || len(told) != 2 {
		t.Errorf("%d writes, told %q", store.writes, told)
	}
	r.lose("web")
	if len(r.yielded) != 0 {
		t.Errorf("%v is kept of one that is gone", r.yielded)
	}
	for name, tt := range map[string]struct {
		rivals Rivals
		change func(*api.Application)
	}{
		"it has ended":    {seen{"theirs": rival.Stopped}, nil},
		"it is our own":   {seen{"argocd": rival.Runs}, func(app *api.Application) { app.Status.ControllerNamespace = "argocd" }},
		"nobody looks":    {nil, nil},
		"new":             {seen{"": rival.Runs}, func(app *api.Application) { app.Status = api.ApplicationStatus{} }},
		"nobody says who": {seen{"": rival.Runs}, func(app *api.Application) { app.Status.ControllerNamespace = "" }},
	} {
		app := rivalled(t)
		app.ManagedFields = nil
		if tt.change != nil {
			tt.change(app)
		}
		r := New(Config{Namespace: "argocd", Rivals: tt.rivals, Now: func() time.Time { return at }, Settings: func() *settings.Settings { return new(settings.Settings) }})
		if v := r.Tidelock(t.Context(), app); v.Held {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// TestTakeUp: Argo CD leaves the request of a sync where it is until that has ended. It is no
// second one, unless it is another.
func TestTakeUp(t *testing.T) {
	for name, tt := range map[string]struct {
		asked string
		ours  bool
		left  bool
	}{
		"the same":                 {"{sync: {revision: abc, prune: true}, initiatedBy: {automated: true}}", false, false},
		"another":                  {"{sync: {revision: abc}}", false, true},
		"the same, but it is ours": {"{sync: {revision: abc, prune: true}}", true, true},
	} {
		app := rivalled(t)
		if tt.ours {
			app.ManagedFields = nil
		}
		app.Operation = read[api.Operation](t, tt.asked)
		running := &api.OperationState{Phase: api.OperationRunning, Operation: *read[api.Operation](t, "{sync: {revision: abc, prune: true}}")}
		p := &pass{app: app}
		p.takeUp(running)
		if left := app.Operation != nil; left != tt.left || p.taken == tt.left {
			t.Errorf("%s: left %v, taken %v", name, left, p.taken)
		}
	}
}

// TestIsArgos: what Argo CD has made for the Application is known by its marks, as
// argocd-cm has them.
func TestIsArgos(t *testing.T) {
	const tracked = "{metadata: {annotations: {argocd.argoproj.io/tracking-id: 'web:batch/Job:shop/migrate'}}}"
	for name, tt := range map[string]struct {
		object   string
		settings settings.Settings
		want     bool
	}{
		"by annotation":           {tracked, settings.Settings{}, true},
		"another's":               {"{metadata: {annotations: {argocd.argoproj.io/tracking-id: 'other:batch/Job:shop/migrate'}}}", settings.Settings{}, false},
		"ours":                    {"{metadata: {labels: {tidelock.io/app: web}, annotations: {argocd.argoproj.io/tracking-id: 'web:batch/Job:shop/migrate'}}}", settings.Settings{}, false},
		"another installation's":  {tracked, settings.Settings{Installation: "east"}, false},
		"by label":                {"{metadata: {labels: {app.kubernetes.io/instance: web}}}", settings.Settings{Tracking: trackByLabel}, true},
		"a label that tracks not": {"{metadata: {labels: {app.kubernetes.io/instance: web}}}", settings.Settings{}, false},
		"another's label":         {"{metadata: {labels: {app.kubernetes.io/instance: other}}}", settings.Settings{Tracking: trackByLabel}, false},
		"nobody's":                {"{metadata: {}}", settings.Settings{Tracking: trackByBoth}, false},
	} {
		p := &pass{name: "web", settings: &tt.settings}
		u := &unstructured.Unstructured{Object: *read[map[string]any](t, tt.object)}
		if got := p.isArgos(u); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
