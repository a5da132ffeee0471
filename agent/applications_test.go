package agent

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/project"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
)

func newTestApplications(t *testing.T, namespaces ...string) (*Applications, *[]string) {
	t.Helper()
	elsewhere, err := project.NewNamespaces(namespaces)
	if err != nil {
		t.Fatal(err)
	}
	a, err := NewApplications(&rest.Config{Host: "https://nowhere.invalid"}, "argocd", elsewhere,
		func(string) project.Scoped { return project.Scoped{} }, func() int64 { return 0 })
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	a.changed = func(n types.NamespacedName) { told = append(told, n.Name) }
	a.Projects.changed = func() { told = append(told, "project") }
	return a, &told
}

func shop(version string, edit func(*api.Application)) *api.Application {
	app := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "shop", UID: "1", ResourceVersion: version}}
	if edit != nil {
		edit(app)
	}
	return app
}

// Our own status writes come back by the watch, older and newer than what the
// answer to the write has told: only news may cause a pass.
func TestApplicationsTellNewsOnly(t *testing.T) {
	healthy := func(app *api.Application) { app.Status.Health.Status = api.HealthHealthy }
	for _, tt := range []struct {
		name  string
		next  *api.Application
		tells bool
	}{
		{"the same once more", shop("10", nil), false},
		{"an older one", shop("9", healthy), false},
		{"nothing but a version", shop("11", nil), false},
		{"a status that somebody else wrote", shop("11", healthy), true},
		{"another spec", shop("11", func(app *api.Application) { app.Spec.Project = "other" }), true},
		{"a request to sync", shop("11", func(app *api.Application) { app.Operation = &api.Operation{Sync: &api.SyncOperation{}} }), true},
		{"an annotation", shop("11", func(app *api.Application) { app.Annotations = map[string]string{api.AnnotationRefresh: "normal"} }), true},
		{"a label", shop("11", func(app *api.Application) { app.Labels = map[string]string{"team": "a"} }), false},
		{"another object of that name", shop("11", func(app *api.Application) { app.UID = "2" }), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, told := newTestApplications(t)
			if err := a.Add(shop("10", nil)); err != nil {
				t.Fatal(err)
			}
			*told = nil
			if err := a.Update(tt.next); err != nil {
				t.Fatal(err)
			}
			if len(*told) > 0 != tt.tells {
				t.Errorf("told %q, want news: %v", *told, tt.tells)
			}
		})
	}
}

// Of the Applications of all namespaces, those are known that the agent is told to
// watch.
func TestApplicationsElsewhere(t *testing.T) {
	for _, tt := range []struct {
		patterns, namespace string
		known               bool
	}{
		{"", "argocd", true},
		{"", "team", false},
		{"team", "team", true},
		{"team", "team-a", false},
		{"team-*", "team-a", true},
		{"/^team-[ab]$/", "team-b", true},
		{"/^team-[ab]$/", "team-c", false},
		{"one two-*", "two-3", true},
		{"team", "argocd", true},
	} {
		t.Run(tt.patterns+" "+tt.namespace, func(t *testing.T) {
			a, told := newTestApplications(t, strings.Fields(tt.patterns)...)
			app := shop("10", func(app *api.Application) { app.Namespace = tt.namespace })
			if err := a.Add(app); err != nil {
				t.Fatal(err)
			}
			if known := a.Application(tt.namespace, "shop") != nil; known != tt.known || len(*told) > 0 != tt.known {
				t.Errorf("known: %v, told %q, want %v", known, *told, tt.known)
			}
			*told = nil
			if err := a.Delete(app); err != nil {
				t.Fatal(err)
			}
			if len(*told) > 0 != tt.known {
				t.Errorf("of the end told %q, want %v", *told, tt.known)
			}
		})
	}
}

// A listing after a lost watch lacks what was deleted meanwhile.
func TestApplicationsReplace(t *testing.T) {
	a, told := newTestApplications(t)
	for _, err := range []error{a.Add(shop("10", nil)), a.Replace(nil, "11")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if a.Application("argocd", "shop") != nil || len(*told) != 2 {
		t.Errorf("it is still there, or nobody was told: %q", *told)
	}
}

// The answer to the patch that takes the last finalizer off must not bring the
// Application back after its deletion was seen.
func TestApplicationsReleased(t *testing.T) {
	a, _ := newTestApplications(t)
	now := metav1.Now()
	a.keep(shop("12", func(app *api.Application) { app.DeletionTimestamp = &now }))
	if a.Application("argocd", "shop") != nil {
		t.Error("an Application without finalizers that is being deleted is kept")
	}
}

func TestProjectsRules(t *testing.T) {
	a, _ := newTestApplications(t)
	if _, err := a.Rules("default"); !errors.Is(err, ErrProject) {
		t.Fatalf("got %v, want ErrProject", err)
	}
	p := project.Default()
	p.Namespace, p.ResourceVersion = "argocd", "1"
	if err := a.Projects.Add(p); err != nil {
		t.Fatal(err)
	}
	first, err := a.Rules("default")
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := a.Rules("default"); again != first {
		t.Error("rules are compiled again though nothing changed")
	}
	edited := p.DeepCopy()
	edited.ResourceVersion, edited.Spec.SourceRepos = "2", nil
	if err := a.Projects.Update(edited); err != nil {
		t.Fatal(err)
	}
	rules, err := a.Rules("default")
	if err != nil || rules.Source("https://git.example/shop.git").Allowed {
		t.Errorf("the edited project still permits, or fails: %v", err)
	}
}

// Other namespaces are followed as soon as they are asked for: what is listed then is in
// the place of what was known.
func TestApplicationsFollow(t *testing.T) {
	a, told := newTestApplications(t, "team")
	app := func(namespace string) *api.Application {
		return shop("10", func(app *api.Application) { app.Namespace = namespace })
	}
	all := []any{app("argocd"), app("team"), app("other")}
	names := func() (known []string) {
		for _, namespace := range []string{"argocd", "team", "other"} {
			if a.Application(namespace, "shop") != nil {
				known = append(known, namespace)
			}
		}
		return known
	}
	if err := a.Replace(all, "11"); err != nil || !slices.Equal(names(), []string{"argocd", "team"}) {
		t.Fatalf("known: %q, %v", names(), err)
	}
	elsewhere, err := project.NewNamespaces([]string{"oth*"})
	if err != nil {
		t.Fatal(err)
	}
	*told = nil
	anew := a.anew
	a.Follow(elsewhere)
	select {
	case <-anew:
	default:
		t.Error("nobody lists anew")
	}
	if err := a.Update(app("team")); err != nil || len(*told) > 0 {
		t.Errorf("told %q of what is not followed any more, %v", *told, err)
	}
	if err := a.Replace(all, "12"); err != nil || !slices.Equal(names(), []string{"argocd", "other"}) || len(*told) != 2 {
		t.Errorf("known: %q, told %q, %v", names(), *told, err)
	}
}
