package forge

import (
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/tidelock-io/tidelock/agent/api"
)

// TestConcern: news of a repository concern generators of its server that list its pull
// requests, or what it is among; no others.
func TestConcern(t *testing.T) {
	pull := News{From: "github", URLs: []string{"https://github.com/Acme/infra.git", "git@github.com:Acme/infra.git"}, Pulls: true}
	ghe := News{From: "github", URLs: []string{"https://ghe.example/acme/infra"}, Pulls: true}
	merge := News{From: "gitlab", URLs: []string{"https://gitlab.example/acme/web/infra.git"}, ID: "15", Pulls: true}
	gitea := News{From: "gitea", URLs: []string{"https://gitea.example/acme/infra"}, Pulls: true, Listing: true}
	listing := News{From: "github", URLs: []string{"https://github.com/acme/infra"}, Listing: true}
	group := News{From: "gitlab", URLs: []string{"https://gitlab.com/acme/web/infra"}, Listing: true}
	below := News{From: "gitea", URLs: []string{"https://host.example/git/acme/infra.git"}, Pulls: true, Listing: true}
	for _, tt := range []struct {
		name, generator string
		news            News
		want            bool
	}{
		{"its own", `pullRequest: {github: {owner: acme, repo: Infra}}`, pull, true},
		{"another repository's", `pullRequest: {github: {owner: acme, repo: infra2}}`, pull, false},
		{"another owner's", `pullRequest: {github: {owner: other, repo: infra}}`, pull, false},
		{"one of a server of one's own", `pullRequest: {github: {owner: acme, repo: infra, api: "https://ghe.example/api/v3"}}`, ghe, true},
		{"one of a server by another name", `pullRequest: {github: {owner: acme, repo: infra, api: "http://ghe.internal"}}`, ghe, true},
		{"github.com's, of a server of one's own", `pullRequest: {github: {owner: acme, repo: infra}}`, ghe, false},
		{"another product's", `pullRequest: {gitea: {owner: acme, repo: infra, api: "https://github.com"}}`, pull, false},
		{"who lists repositories, of a pull request", `scmProvider: {github: {organization: acme}}`, pull, false},
		{"a project's path", `pullRequest: {gitlab: {project: acme/web/infra, api: "https://gitlab.example"}}`, merge, true},
		{"a project's number", `pullRequest: {gitlab: {project: "15", api: "https://gitlab.example"}}`, merge, true},
		{"another number", `pullRequest: {gitlab: {project: "16", api: "https://gitlab.example"}}`, merge, false},
		{"gitea's", `pullRequest: {gitea: {owner: acme, repo: infra, api: "http://gitea:3000"}}`, gitea, true},
		{"an owner at gitea", `scmProvider: {gitea: {owner: acme, api: "http://gitea:3000"}}`, gitea, true},
		{"an organization", `scmProvider: {github: {organization: ACME}}`, listing, true},
		{"one whose name begins so", `scmProvider: {github: {organization: acm}}`, listing, false},
		{"pull requests, of a new branch", `pullRequest: {github: {owner: acme, repo: infra}}`, listing, false},
		{"a group", `scmProvider: {gitlab: {group: acme}}`, group, true},
		{"a group's group", `scmProvider: {gitlab: {group: acme/web}}`, group, true},
		{"another group", `scmProvider: {gitlab: {group: acme/we}}`, group, false},
		{"a group's number, which nobody tells", `scmProvider: {gitlab: {group: "7"}}`, group, true},
		{"one of a server below a path", `pullRequest: {gitea: {owner: acme, repo: infra, api: "http://gitea:3000/git"}}`, below, true},
		{"an owner there", `scmProvider: {gitea: {owner: acme, api: "https://host.example/git/api/v1/"}}`, below, true},
		{"below another path", `pullRequest: {gitea: {owner: acme, repo: infra, api: "http://gitea:3000/gi"}}`, below, false},
		{"below none", `pullRequest: {gitea: {owner: acme, repo: infra, api: "http://gitea:3000"}}`, below, false},
		{"a list", `list: {elements: []}`, gitea, false},
		{"a plugin", `plugin: {configMapRef: {name: a}}`, gitea, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := &api.Generator{}
			if err := yaml.UnmarshalStrict([]byte(tt.generator), g); err != nil {
				t.Fatal(err)
			}
			if got := tt.news.Concern(g); got != tt.want {
				t.Errorf("concerns it: %t", got)
			}
		})
	}
}
