package agent

import (
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/project"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

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
