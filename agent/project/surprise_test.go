package project

import (
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
)

// Detail 22 of SEMANTICS.md 2.15: a lone denial permits all the rest. Who lives by
// that is told.
func TestSurprises(t *testing.T) {
	local := api.Destination{Server: api.InClusterServer, Name: "in-cluster"}
	entry := func(server, name, namespace string) api.Destination {
		return api.Destination{Server: server, Name: name, Namespace: namespace}
	}
	for _, tt := range []struct {
		name    string
		sources string
		to      []api.Destination
		want    string
	}{
		{"as people mean it", "https://git.example/shop", []api.Destination{entry("*", "", "shop")}, ""},
		{"everything but one", "* !https://git.example/secret", []api.Destination{entry("*", "", "*"), entry("*", "", "!kube-system")}, ""},
		{"a lone denial of a repository", "!https://git.example/secret", []api.Destination{entry("*", "", "*")},
			"spec.sourceRepos[0] permits https://git.example/shop only by denying another repository, as it does all the rest"},
		{"beside one that permits", "!https://git.example/secret https://git.example/*", []api.Destination{entry("*", "", "*")}, ""},
		{"a lone denial of a namespace", "*", []api.Destination{entry("*", "", "!kube-system")},
			"spec.destinations[0] permits namespace shop on cluster in-cluster only by denying another, as it does all the rest"},
		{"a lone denial of a cluster", "*", []api.Destination{entry("!https://prod.example", "", "shop")},
			"spec.destinations[0] permits namespace shop on cluster in-cluster only by denying another, as it does all the rest"},
		{"by name", "*", []api.Destination{entry("", "!prod", "*")},
			"spec.destinations[0] permits namespace shop on cluster in-cluster only by denying another, as it does all the rest"},
		{"the server denied, and the name stated", "*", []api.Destination{entry("!https://prod.example", "in-cluster", "shop")}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rules, err := New(&api.AppProject{Spec: api.AppProjectSpec{SourceRepos: strings.Fields(tt.sources), Destinations: tt.to}}, Scoped{})
			if err != nil {
				t.Fatal(err)
			}
			app := &api.Application{Spec: api.ApplicationSpec{
				Source: &api.Source{RepoURL: "https://git.example/shop"}, Destination: api.Destination{Server: local.Server, Namespace: "shop"},
			}}
			if got := strings.Join(rules.Surprises(app, local), "; "); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if v := rules.Source("https://git.example/shop"); !v.Allowed {
				t.Errorf("the case is of no use: %s", v.Reason)
			}
			if v := rules.Destination(local, "shop"); !v.Allowed {
				t.Errorf("the case is of no use: %s", v.Reason)
			}
		})
	}
}
