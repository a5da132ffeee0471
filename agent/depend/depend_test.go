package depend

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const agentNamespace = "argocd"

// world reads Applications, one a line: "team/web in PROJECT on a, b has c", where
// each part may be left out.
func world(t *testing.T, text string) Finder {
	t.Helper()
	apps := map[types.NamespacedName]*api.Application{}
	for line := range strings.SplitSeq(text, "\n") {
		head, children, _ := strings.Cut(line, " has ")
		head, on, _ := strings.Cut(head, " on ")
		name, project, _ := strings.Cut(strings.TrimSpace(head), " in ")
		app := &api.Application{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{api.AnnotationDependsOn: on}}}
		named := nameOf(name)
		app.Namespace, app.Name, app.Spec.Project = named.Namespace, named.Name, project
		for _, child := range api.ParseList(children) {
			named := nameOf(child)
			app.Status.Summary.IsAppOfApps = true
			app.Status.Resources = append(app.Status.Resources, api.ResourceStatus{
				Group: "argoproj.io", Kind: "Application", Namespace: named.Namespace, Name: named.Name,
			})
		}
		apps[named] = app
	}
	return func(name types.NamespacedName) *api.Application { return apps[name] }
}

func nameOf(text string) types.NamespacedName {
	if namespace, name, ok := strings.Cut(text, "/"); ok {
		return types.NamespacedName{Namespace: namespace, Name: name}
	}
	return types.NamespacedName{Namespace: agentNamespace, Name: text}
}

func TestOn(t *testing.T) {
	for _, tt := range []struct{ annotation, want string }{
		{"", "[]"},
		{" , ", "[]"},
		{"db", "[team/db]"},
		{"db, argocd/cache ,db", "[team/db argocd/cache]"},
		{"a/b/c", "names no Application: give NAME or NAMESPACE/NAME"},
		{"db cache", `"db cache" names no Application`},
		{"/db", "names no Application"},
		{"db;rm", "names no Application"},
		{strings.Repeat("db,", 101), "it has 101 entries, and 100 are the most"},
	} {
		t.Run(tt.annotation[:min(len(tt.annotation), 20)], func(t *testing.T) {
			app := &api.Application{ObjectMeta: metav1.ObjectMeta{
				Namespace: "team", Name: "web", Annotations: map[string]string{api.AnnotationDependsOn: tt.annotation},
			}}
			list, err := On(app)
			got := fmt.Sprint(list)
			if err != nil {
				got = err.Error()
				if !errors.Is(err, ErrList) || list != nil {
					t.Errorf("got %v with %v, want no list and ErrList", list, err)
				}
			}
			if !strings.Contains(got, tt.want) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestRound(t *testing.T) {
	for _, tt := range []struct{ name, world, of, want string }{
		{"none", "a on b\nb on c\nc", "a", ""},
		{"a diamond is none", "a on b, c\nb on d\nc on d\nd", "a", ""},
		{"itself", "a on a", "a", "argocd/a depends on argocd/a"},
		{"two", "a on b\nb on a", "b", "argocd/b depends on argocd/a, which depends on argocd/b"},
		{"three, from each its own view", "a on b\nb on c\nc on a", "c",
			"argocd/c depends on argocd/a, which depends on argocd/b, which depends on argocd/c"},
		{"the shortest", "a on b, c\nb on c\nc on a", "a", "argocd/a depends on argocd/c, which depends on argocd/a"},
		{"who waits for a circle is not in it", "a on b\nb on c\nc on b", "a", ""},
		{"a child that depends on its parent", "root has web\nweb on root", "web",
			"argocd/web depends on argocd/root, which has the child argocd/web"},
		{"and the parent says so, too", "root has web\nweb on root", "root",
			"argocd/root has the child argocd/web, which depends on argocd/root"},
		{"children that depend on each other are none", "root has web, db\nweb on db\ndb", "root", ""},
		{"a root that states itself is none", "root on base has root, web\nbase\nweb", "root", ""},
		{"parents of each other are none", "a has b\nb has a", "a", ""},
		{"through a child", "a on root\nroot has web\nweb on a", "a",
			"argocd/a depends on argocd/root, which has the child argocd/web, which depends on argocd/a"},
		{"what is not there ends a way", "a on b\nc on a", "a", ""},
		{"a list that cannot be read ends a way", "a on b\nb on a b", "a", ""},
		{"what may not be seen ends a way", "team/a in team on other/b\nother/b in other on team/a", "team/a", ""},
		{"the same project may be seen", "team/a in p on other/b\nother/b in p on team/a", "team/a",
			"team/a depends on other/b, which depends on team/a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			find := world(t, tt.world)
			got := Round(find(nameOf(tt.of)), agentNamespace, find)
			if got.String() != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if len(got.Members()) != len(got) {
				t.Errorf("members %v, want one of each step", got.Members())
			}
		})
	}
}

// A long chain is walked once, not once for every way through it.
func TestRoundOfManyWays(t *testing.T) {
	var lines []string
	for i := range 60 { // 2 to the 60 ways
		lines = append(lines, fmt.Sprintf("a%d on a%d, b%d\nb%d on a%d, b%d", i, i+1, i+1, i, i+1, i+1))
	}
	find := world(t, strings.Join(append(lines, "a60 on a0\nb60"), "\n"))
	if got := Round(find(nameOf("a0")), agentNamespace, find); len(got) != 61 {
		t.Errorf("got a circle of %d, want 61", len(got))
	}
}

func TestVisible(t *testing.T) {
	find := world(t, "ours in x\nteam/a in team\nteam/b in other\nelse/c in team\nelse/d in other")
	for _, tt := range []struct{ app, sees string }{
		{"ours", "argocd/ours team/a team/b else/c else/d"},
		{"team/a", "team/a team/b else/c"},
		{"else/d", "team/b else/c else/d"},
	} {
		t.Run(tt.app, func(t *testing.T) {
			var sees []string
			for _, name := range []string{"argocd/ours", "team/a", "team/b", "else/c", "else/d", "team/nobody"} {
				if Visible(find(nameOf(tt.app)), agentNamespace, find)(nameOf(name)) != nil {
					sees = append(sees, name)
				}
			}
			if got := strings.Join(sees, " "); got != tt.sees {
				t.Errorf("sees %s, want %s", got, tt.sees)
			}
		})
	}
}

func TestLacks(t *testing.T) {
	now := metav1.Now()
	for _, tt := range []struct {
		name, want string
		edit       func(*api.Application)
	}{
		{"nothing", "", func(*api.Application) {}},
		{"deletion", "is being deleted", func(a *api.Application) { a.DeletionTimestamp = &now }},
		{"an operation asked for", "is being synced", func(a *api.Application) { a.Operation = &api.Operation{} }},
		{"an operation at work", "is being synced", func(a *api.Application) {
			a.Status.OperationState = &api.OperationState{Phase: api.OperationRunning}
		}},
		{"an operation that is over", "", func(a *api.Application) {
			a.Status.OperationState = &api.OperationState{Phase: api.OperationFailed}
		}},
		{"no comparison", "has not been compared yet", func(a *api.Application) { a.Status = api.ApplicationStatus{} }},
		{"a comparison of old", "has not been compared since its spec changed", func(a *api.Application) { a.Spec.Source.Path = "new" }},
		{"sync", "is OutOfSync", func(a *api.Application) { a.Status.Sync.Status = api.SyncCodeOutOfSync }},
		{"health", "is Progressing", func(a *api.Application) { a.Status.Health.Status = api.HealthProgressing }},
		{"any health", "is of unknown health", func(a *api.Application) { a.Status.Health.Status = "" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			app := &api.Application{}
			app.Spec.Source = &api.Source{RepoURL: "https://git.example/shop.git", Path: "shop"}
			app.Status.Sync = api.SyncStatus{Status: api.SyncCodeSynced, ComparedTo: app.Spec.DeepCopy().ComparedTo()}
			app.Status.Health.Status = api.HealthHealthy
			tt.edit(app)
			if got := Lacks(app); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if got := Lacks(nil); got != "does not exist" {
		t.Errorf("got %q of nothing", got)
	}
}
