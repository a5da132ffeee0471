package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/project"
	"github.com/tidelock-io/tidelock/agent/values"
	"github.com/tidelock-io/tidelock/secrets"
)

// shelf has the contents of objects, and notes who asked for which.
type shelf struct {
	contents map[string]values.Content
	asked    map[values.User]string
}

func (s *shelf) Use(_ context.Context, user values.User, objects ...values.Object) (map[values.Object]values.Content, error) {
	if s.asked[user] = fmt.Sprint(objects); len(objects) == 0 {
		delete(s.asked, user)
	}
	all := map[values.Object]values.Content{}
	for _, o := range objects {
		content, ok := s.contents[o.String()]
		if !ok {
			content.Err = fs.ErrNotExist
		}
		all[o] = content
	}
	return all, nil
}

func content(items ...string) values.Content {
	data := map[string]secrets.Value{}
	for i := 0; i < len(items); i += 2 {
		data[items[i]] = secrets.New([]byte(items[i+1]))
	}
	return values.Content{Data: data}
}

// takes gives a pipeline a shelf, and a project that permits what an annotation says.
func takes(t *testing.T, p *Pipeline, permits string) *shelf {
	t.Helper()
	s := &shelf{asked: map[values.User]string{}, contents: map[string]values.Content{
		"Secret argocd/api":       content("objects.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: given}\nstringData: {a: hunter2}\n", "password", "hunter2"),
		"ConfigMap argocd/shared": content("objects.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: given}\n"),
		"Secret argocd/repo":      {Err: fmt.Errorf("%w: the label argocd.argoproj.io/secret-type makes it a key", values.ErrRefused)},
		"Secret argocd/locked":    {Err: errors.New("the right to get, list and watch it is lacking")},
		"Secret other/api":        content("objects.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: stolen}\n"),
	}}
	rules, err := project.New(&api.AppProject{}, project.Scoped{})
	if permits != "" {
		of := &api.AppProject{}
		of.Name, of.Annotations = "team", map[string]string{api.AnnotationAllowValuesFrom: permits}
		rules, err = project.New(of, project.Scoped{})
	}
	if err != nil {
		t.Fatal(err)
	}
	p.Values = s
	p.PermitValues = func(*api.Application) func(kind, name string) error {
		return func(kind, name string) error {
			if v := rules.Values(kind, name); !v.Allowed {
				return errors.New(v.Reason)
			}
			return nil
		}
	}
	return s
}

func TestValues(t *testing.T) {
	for name, c := range map[string]struct {
		list, permits string
		want          string // the first object, or the error
	}{
		"from a Secret":     {"- {kind: Secret, name: api, key: objects.yaml, file: objects.yaml}", "Secret/api", "Secret front/given"},
		"from a ConfigMap":  {"- {kind: ConfigMap, name: shared, key: objects.yaml, file: objects.yaml}", "ConfigMap/*", "ConfigMap front/given"},
		"the last counts":   {"- {kind: ConfigMap, name: shared, key: objects.yaml, file: objects.yaml}\n- {kind: Secret, name: api, key: objects.yaml, file: objects.yaml}", "ConfigMap/*, Secret/api", "Secret front/given"},
		"optional, absent":  {"- {kind: Secret, name: nobody, file: objects.yaml, optional: true}", "Secret/*", "ConfigMap front/settings"},
		"optional, no key":  {"- {kind: Secret, name: api, key: none, file: objects.yaml, optional: true}", "Secret/*", "ConfigMap front/settings"},
		"denied":            {"- {kind: Secret, name: api}", "", `entry 1: project "": no values may be taken from Secret api; to allow it, annotate the AppProject with tidelock.io/allow-values-from: Secret/api`},
		"denied by name":    {"- {kind: Secret, name: api}", "Secret/web-*", "entry 1: project team: no values may be taken from Secret api"},
		"denied optional":   {"- {kind: Secret, name: api, optional: true}", "", "no values may be taken from Secret api"},
		"absent":            {"- {kind: Secret, name: nobody}", "Secret/*", "entry 1: there is no Secret argocd/nobody: create it, or set optional: true"},
		"no key":            {"- {kind: Secret, name: api}", "Secret/*", "entry 1: Secret argocd/api has no key values.yaml, it has objects.yaml, password: correct the key"},
		"a credential":      {"- {kind: Secret, name: repo, optional: true}", "Secret/*", "Secret argocd/repo: it is not for Applications to read: the label argocd.argoproj.io/secret-type"},
		"no right":          {"- {kind: Secret, name: locked, optional: true}", "Secret/*", "Secret argocd/locked: the right to get, list and watch it is lacking"},
		"malformed":         {"- {kind: Secret}", "Secret/*", `name: "" is no name of a Secret`},
		"no such source":    {"- {kind: Secret, name: api, source: web}", "Secret/*", `source: no source has the name or the number "web"`},
		"another namespace": {"- {kind: Secret, name: api, namespace: other}", "Secret/*", `unknown field "namespace"`},
	} {
		t.Run(name, func(t *testing.T) {
			w, p, app := newWorld(t)
			s := takes(t, p, c.permits)
			app.Annotations = map[string]string{api.AnnotationValuesFrom: c.list}
			out, err := p.Desired(t.Context(), app, nil)
			got := fmt.Sprint(err)
			if err == nil {
				got = out.Set[0].String()
			}
			if !strings.Contains(got, c.want) || strings.Contains(got, "hunter2") {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if denied := strings.HasPrefix(name, "denied"); denied && (len(s.asked) > 0 || w.renders > 0) {
				t.Errorf("it was read all the same: %v", s.asked)
			}
		})
	}
}

// TestValuesOfSources: with several sources each entry says for which it is.
func TestValuesOfSources(t *testing.T) {
	w, p, app := newWorld(t)
	takes(t, p, "Secret/*, ConfigMap/*")
	w.write(t, "web/objects.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n")
	app.Spec.Source = nil
	app.Spec.Sources = []api.Source{{RepoURL: "https://git.example/a.git", Path: "shop"}, {RepoURL: "https://git.example/a.git", Path: "web", Name: "web"}}
	const entry = "- {kind: Secret, name: api, key: objects.yaml, file: objects.yaml"
	for source, want := range map[string]string{
		"":               "say by source, a name or a number from 1, which one it is for",
		", source: '1'":  "Secret front/given, ConfigMap front/web",
		", source: web":  "ConfigMap front/settings, Namespace extra, Secret front/given",
		", source: '3'":  "no source has the name or the number",
		", source: shop": "no source has the name or the number",
	} {
		app.Annotations = map[string]string{api.AnnotationValuesFrom: entry + source + "}"}
		out, err := p.Desired(t.Context(), app, nil)
		got := fmt.Sprint(err)
		if err == nil {
			var names []string
			for _, o := range out.Set {
				names = append(names, o.String())
			}
			got = strings.Join(names, ", ")
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: got %s, want %s", source, got, want)
		}
	}
}

// TestValuesAreFollowed as long as they are named: one that has changed is used, and an
// Application that names none, or is gone, follows none.
func TestValuesAreFollowed(t *testing.T) {
	w, p, app := newWorld(t)
	s := takes(t, p, "Secret/*")
	me := values.User{Namespace: "argocd", Name: "shop", Purpose: "values"}
	app.Annotations = map[string]string{api.AnnotationValuesFrom: "- {kind: Secret, name: api, key: objects.yaml, file: objects.yaml}"}
	first := desired(t, p, app)
	if got := s.asked[me]; got != "[Secret argocd/api]" {
		t.Errorf("followed: %s", got)
	}
	if again := desired(t, p, app); again.Set[0] != first.Set[0] || w.renders != 1 {
		t.Errorf("the same value makes %d renderings", w.renders)
	}
	s.contents["Secret argocd/api"] = content("objects.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: other}\n")
	if out := desired(t, p, app); out.Set[0].Key.Name != "other" || w.renders != 2 {
		t.Errorf("another value gives %s after %d renderings", out.Set[0], w.renders)
	}
	in := desired(t, p, app).Inputs[0]
	if text := in.String(); !strings.Contains(text, "value  Secret argocd/api, key objects.yaml ") {
		t.Errorf("inputs:\n%s", text)
	}
	app.Annotations = nil
	if out := desired(t, p, app); out.Set[0].Key.Name != "settings" || len(s.asked) > 0 {
		t.Errorf("without the annotation: %s, followed %v", out.Set[0], s.asked)
	}
	app.Annotations = map[string]string{api.AnnotationValuesFrom: "- {kind: Secret, name: api, key: objects.yaml, file: objects.yaml}"}
	desired(t, p, app)
	p.Forget("shop")
	if len(s.asked) > 0 {
		t.Errorf("gone, it follows %v", s.asked)
	}
}
