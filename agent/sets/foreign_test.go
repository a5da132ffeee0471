package sets

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/agent/project"
)

// theirs is a set of another namespace than the agent's.
func theirs(name, of, generators string) string {
	text := strings.ReplaceAll(setOf(name, generators, ""), "project: default", "project: "+of)
	return strings.Replace(text, "metadata: {name: "+name+"}", "metadata: {name: "+name+", namespace: team}", 1)
}

// permitting lets sets of namespace team have Applications of projects team and shared,
// the first with repository r.
func permitting(of, namespace, repoURL string) error {
	switch {
	case namespace != "team" || of != "team" && of != "shared":
		return fmt.Errorf("project %s permits no namespace %s", of, namespace)
	case repoURL != "" && (repoURL != "r" || of != "team"):
		return fmt.Errorf("project %s permits no repository %s", of, repoURL)
	}
	return nil
}

func matches(t *testing.T, pattern, text string) bool {
	t.Helper()
	ok, err := regexp.MatchString("^(?s)"+pattern, text)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func namespaces(t *testing.T, patterns ...string) project.Namespaces {
	t.Helper()
	n, err := project.NewNamespaces(patterns)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestSetsElsewhere: sets of other namespaces are kept where the administrator says so, and
// as far as projects permit.
func TestSetsElsewhere(t *testing.T) {
	const files = `[{git: {repoURL: "%s", revision: main, files: [{path: "*.yaml"}]}}]`
	for _, tt := range []struct {
		name, set string
		apps      string // that there are
		unasked   bool   // the namespace is none of --application-namespaces
		condition string // ErrorOccurred
		with      string // by whose credentials
	}{
		{name: "a list", set: theirs("apps", "team", listOf("a", "b")), apps: "a b", condition: "False ApplicationSetUpToDate: "},
		{name: "a project that does not permit it", set: theirs("apps", "other", listOf("a")), condition: "True ApplicationValidationError: .*project other permits no namespace team"},
		{name: "the default project", set: theirs("apps", "default", listOf("a")), condition: "True ApplicationValidationError: .*project default permits no namespace team"},
		{name: "a repository", set: theirs("apps", "team", fmt.Sprintf(files, "r")), apps: "file", with: "team", condition: "False ApplicationSetUpToDate: "},
		{name: "one that the project does not permit", set: theirs("apps", "shared", fmt.Sprintf(files, "r")), condition: "True ApplicationGenerationFromParamsError: .*project shared permits no repository r"},
		{name: "a project that is a parameter", set: theirs("apps", "'{{ .project }}'", fmt.Sprintf(files, "r")), apps: "file", with: "nobody", condition: "False ApplicationSetUpToDate: "},
		{name: "clusters", set: theirs("apps", "team", `[{clusters: {selector: {matchLabels: {all: "true"}}}}]`), apps: "for-all for-team", condition: "False ApplicationSetUpToDate: "},
		{name: "nobody looks", set: theirs("apps", "team", listOf("a")), unasked: true, condition: "True ApplicationValidationError: Applications of namespace team are not looked at: the administrator has to name it in --application-namespaces, too"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.write("file.yaml", "{name: file, project: team}")
			with := ""
			w.Repo = func(url, project string) git.Repo { with = project; return git.Repo{URL: url} }
			w.Permit, w.Followed = permitting, func(string) bool { return !tt.unasked }
			w.Clusters = func() ([]appset.Cluster, error) {
				labels := map[string]string{"all": "true"}
				return []appset.Cluster{
					{Name: "for-team", Server: "https://1", Project: "team", Labels: labels}, {Name: "for-all", Server: "https://2", Labels: labels},
					{Name: "for-others", Server: "https://3", Project: "other", Labels: labels},
				}, nil
			}
			w.Follow(namespaces(t, "team"))
			w.apply(tt.set)
			w.must("team/apps")
			if got := w.names(); got != tt.apps {
				t.Errorf("there are %q, want %q", got, tt.apps)
			}
			for _, app := range w.List() {
				if app.Namespace != "team" {
					t.Errorf("Application %s is in namespace %s", app.Name, app.Namespace)
				}
			}
			if got := w.condition("apps", api.ApplicationSetErrorOccurred); !matches(t, tt.condition, got) {
				t.Errorf("condition %q, want %q", got, tt.condition)
			}
			if tt.with == "nobody" && with != "" || tt.with != "" && tt.with != "nobody" && with != tt.with {
				t.Errorf("it is read by the credentials of project %q, want %s", with, tt.with)
			}
		})
	}
}

// TestSetsUnfollowed: a set of a namespace that nobody names is none, and one that is no
// longer followed leaves its Applications.
func TestSetsUnfollowed(t *testing.T) {
	w := newWorld(t)
	w.Permit = permitting
	w.apply(theirs("apps", "team", listOf("a")))
	if w.must("team/apps"); w.names() != "" || len(w.Controller.List()) > 0 {
		t.Errorf("there are %q of a set that nobody follows", w.names())
	}
	w.Follow(namespaces(t, "te*"))
	w.apply(theirs("apps", "team", listOf("a")))
	w.must("team/apps")
	w.Follow(project.Namespaces{})
	if err := w.store.Replace([]any{w.sets["apps"].DeepCopy()}, ""); err != nil {
		t.Fatal(err)
	}
	if w.must("team/apps"); w.names() != "a" || len(w.Controller.List()) > 0 {
		t.Errorf("there are %q, of %d sets; want a, and none", w.names(), len(w.Controller.List()))
	}
}

// TestUnreadProject: what a project says is asked for before its repository is.
func TestUnreadProject(t *testing.T) {
	w := newWorld(t)
	w.Permit = func(string, string, string) error { return errors.New("no such project") }
	read := false
	w.Verify = func(context.Context, *api.Application, git.Repo, string, string) error { read = true; return nil }
	w.Follow(namespaces(t, "team"))
	w.apply(theirs("apps", "team", `[{git: {repoURL: r, revision: main, directories: [{path: "*"}]}}]`))
	if w.must("team/apps"); read || !slices.ContainsFunc(w.events, func(e string) bool { return strings.Contains(e, "no such project") }) {
		t.Errorf("it was read: %t; told %q", read, w.events)
	}
}
