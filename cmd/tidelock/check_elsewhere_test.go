package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"

	"github.com/tidelock-io/tidelock/agent"
	"github.com/tidelock-io/tidelock/agent/api"
)

// TestLookedNamespaces: Applications and ApplicationSets of the namespaces that the agent
// looks at are checked, and no others; as far as the person may read them, and what is left
// out is told.
func TestLookedNamespaces(t *testing.T) {
	in := []string{"argocd", "team-a", "team-b", "other"}
	for _, tt := range []struct {
		name, apps, sets string   // the agent's flags
		mayNot           []string // namespaces that the person may not list in; "" is all at once
		want             string
	}{
		{"the agent's own", "", "", nil, "argocd | argocd"},
		{"whoever may list all", "team-*", "team-b", nil, "argocd team-a team-b | argocd team-b"},
		{"whoever may list some", "team-a,team-b", "team-a", []string{"", "team-b"}, "argocd team-a | argocd team-a; unknown: cannot read Applications of namespaces team-b: you may not list them"},
		{
			"whoever may list their own, where there are patterns", "team-*,/^other$/", "team-*", []string{""},
			"argocd | argocd; unknown: cannot read Applications of namespaces team-*, /^other$/: you may not list them; unknown: cannot read ApplicationSets of namespaces team-*: you may not list them",
		},
		{"a pattern that is none", "/(/", "", nil, "argocd | argocd"},
		{"nobody", "team-a", "", []string{"", "argocd"}, "team-a | ; no Applications; no ApplicationSets"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				namespace, resource := "", r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
				if _, rest, ok := strings.Cut(r.URL.Path, "/namespaces/"); ok {
					namespace, _, _ = strings.Cut(rest, "/")
				}
				w.Header().Set("Content-Type", "application/json")
				if slices.Contains(tt.mayNot, namespace) {
					w.WriteHeader(http.StatusForbidden)
					fmt.Fprint(w, `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403}`)
					return
				}
				var items []string
				for _, one := range in {
					if namespace == "" || namespace == one {
						items = append(items, fmt.Sprintf(`{"metadata": {"name": "web", "namespace": %q}}`, one))
					}
				}
				kind := map[string]string{"applications": "ApplicationList", "applicationsets": "ApplicationSetList"}[resource]
				fmt.Fprintf(w, `{"apiVersion": "argoproj.io/v1alpha1", "kind": %q, "items": [%s]}`, kind, strings.Join(items, ","))
			}))
			t.Cleanup(server.Close)
			client, err := agent.NewClient(&rest.Config{Host: server.URL})
			if err != nil {
				t.Fatal(err)
			}
			c := &checker{remote: &remote{client: client, namespace: "argocd"}}
			_, c.flags = freshOptions()
			for flag, value := range map[string]string{"application-namespaces": tt.apps, "applicationset-namespaces": tt.sets} {
				if err := c.flags.Set(flag, value); err != nil {
					t.Fatal(err)
				}
			}
			c.readApplications(t.Context(), c)
			c.readSets(t.Context(), c)
			var apps, sets []string
			for _, app := range c.apps {
				apps = append(apps, app.Namespace)
			}
			for _, set := range c.appSets {
				sets = append(sets, set.Namespace)
			}
			slices.Sort(apps)
			slices.Sort(sets)
			var a area
			c.lookElsewhere(&a)
			parts := []string{strings.Join(apps, " ") + " | " + strings.Join(sets, " ")}
			if text := foundIn(&a); text != "" {
				parts = append(parts, strings.Split(text, "\n")...)
			}
			if c.noApps != nil {
				parts = append(parts, "no Applications")
			}
			if c.noSets != nil {
				parts = append(parts, "no ApplicationSets")
			}
			if got := strings.Join(parts, "; "); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestUnpermittedNamespaces: Applications whose project does not permit their namespace
// are told of, by their full names.
func TestUnpermittedNamespaces(t *testing.T) {
	c := &checker{remote: &remote{namespace: "argocd"}}
	c.apps = []api.Application{
		parsed[api.Application](t, `{metadata: {name: own, namespace: argocd}, spec: {project: closed}}`),
		parsed[api.Application](t, `{metadata: {name: web, namespace: team-a}, spec: {project: open}}`),
		parsed[api.Application](t, `{metadata: {name: web, namespace: team-b}, spec: {project: open}}`),
		parsed[api.Application](t, `{metadata: {name: web, namespace: team-c}, spec: {project: gone}}`),
	}
	c.appProjects = []api.AppProject{
		parsed[api.AppProject](t, `{metadata: {name: closed, namespace: argocd}}`),
		parsed[api.AppProject](t, `{metadata: {name: open, namespace: argocd}, spec: {sourceNamespaces: [team-a]}}`),
	}
	var a area
	c.lookElsewhere(&a)
	want := `wrong: Application team-b/web: project open: spec.sourceNamespaces permits no Applications in namespace team-b: add it, or move the Application to namespace argocd`
	if diff := cmp.Diff(want, foundIn(&a)); diff != "" {
		t.Error(diff)
	}
}
