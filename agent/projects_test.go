package agent

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/project"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// The project "default" is known once it is ensured, before any watch tells of it,
// whoever made it.
func TestEnsureDefaultIsKnown(t *testing.T) {
	for _, tt := range []struct {
		name  string
		there bool
	}{{"made", false}, {"made by another replica", true}} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				stored := api.AppProject{
					TypeMeta:   metav1.TypeMeta{APIVersion: "argoproj.io/v1alpha1", Kind: "AppProject"},
					ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "default", UID: "stored", ResourceVersion: "7"},
				}
				var answer any = &stored
				switch {
				case r.Method == http.MethodGet && r.URL.Query().Get("fieldSelector") == "metadata.name=default":
					answer = &api.AppProjectList{TypeMeta: metav1.TypeMeta{APIVersion: "argoproj.io/v1alpha1", Kind: "AppProjectList"}, Items: []api.AppProject{stored}}
				case tt.there && r.Method == http.MethodPost:
					w.WriteHeader(http.StatusConflict)
					answer = &metav1.Status{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: "Failure", Reason: metav1.StatusReasonAlreadyExists, Code: http.StatusConflict}
				}
				if err := json.NewEncoder(w).Encode(answer); err != nil {
					t.Error(err)
				}
			}))
			defer server.Close()
			a, _ := newTestApplications(t)
			var err error
			if a.client, err = NewClient(&rest.Config{Host: server.URL}); err != nil {
				t.Fatal(err)
			}
			if err := a.EnsureDefault(t.Context()); err != nil {
				t.Fatal(err)
			}
			if p, err := a.Project("default"); err != nil || p.UID != "stored" {
				t.Errorf("the project is known as %v, %v", p, err)
			}
		})
	}
}

// What is odd about a project is said when the project changes, and not again.
func TestProjectsWarnOnce(t *testing.T) {
	var said []string
	p := newProjects("argocd")
	p.changed = func() {}
	p.scoped, p.generation = func(string) project.Scoped { return project.Scoped{} }, func() int64 { return 0 }
	p.Warned = func(name string, warnings []string) { said = append(said, name+": "+strings.Join(warnings, "; ")) }
	give := func(version string, repos ...string) {
		t.Helper()
		err := p.Add(&api.AppProject{
			ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "team", ResourceVersion: version},
			Spec:       api.AppProjectSpec{SourceRepos: repos, SyncWindows: []api.SyncWindow{{Kind: "deny", Schedule: "0 0 30 2 *", Duration: "1h", Applications: []string{"*"}}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := p.Rules("team"); err != nil {
				t.Fatal(err)
			}
		}
	}
	give("1", "*")
	give("2", "*", "https://git.example/shop")
	give("3", "!https://git.example/shop")
	if len(said) != 2 || !strings.HasPrefix(said[0], "team: spec.syncWindows[0]: ") ||
		!strings.Contains(said[1], "spec.sourceRepos[0]: a denial permits every repository") || !strings.Contains(said[1], "never opens") {
		t.Errorf("said\n%s", strings.Join(said, "\n"))
	}
}
