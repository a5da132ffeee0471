package forge_test

import (
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset/forge"
)

const githubRepos = `[
	{"id": 101, "name": "shop", "full_name": "acme/shop", "owner": {"login": "acme"}, "ssh_url": "git@github.com:acme/shop.git", "clone_url": "https://github.com/acme/shop.git",
	 "default_branch": "main", "topics": ["argocd", "go"], "archived": false, "disabled": false},
	{"id": 102, "name": "old", "owner": {"login": "acme"}, "ssh_url": "git@github.com:acme/old.git", "clone_url": "https://github.com/acme/old.git", "default_branch": "master", "topics": [], "archived": true},
	{"id": 103, "name": "empty", "owner": {"login": "acme"}, "ssh_url": "git@github.com:acme/empty.git", "clone_url": "https://github.com/acme/empty.git", "default_branch": "main", "topics": [], "archived": false}]`

const gitlabProjects = `[
	{"id": 9, "path": "shop", "path_with_namespace": "acme/team/shop", "namespace": {"id": 2, "full_path": "acme/team"}, "ssh_url_to_repo": "git@gitlab.com:acme/team/shop.git",
	 "http_url_to_repo": "https://gitlab.com/acme/team/shop.git", "default_branch": "main", "topics": ["argocd"], "tag_list": ["argocd"], "archived": false},
	{"id": 10, "path": "bare", "namespace": {"full_path": "acme"}, "ssh_url_to_repo": "git@gitlab.com:acme/bare.git", "http_url_to_repo": "https://gitlab.com/acme/bare.git", "default_branch": null, "tag_list": ["old"]}]`

const giteaRepos = `[
	{"id": 5, "name": "shop", "owner": {"login": "acme"}, "ssh_url": "git@gitea.example.com:acme/shop.git", "clone_url": "https://gitea.example.com/acme/shop.git", "html_url": "https://gitea.example.com/acme/shop",
	 "default_branch": "release/1", "archived": false, "empty": false},
	{"id": 6, "name": "void", "owner": {"login": "acme"}, "ssh_url": "x", "html_url": "y", "default_branch": "main", "empty": true},
	{"id": 7, "name": "old", "owner": {"login": "acme"}, "ssh_url": "x", "html_url": "y", "default_branch": "main", "archived": true}]`

func TestRepositories(t *testing.T) {
	text := func(s string) *string { return &s }
	github := map[string]answer{
		"/api/v3/orgs/acme/repos?direction=asc&page=1&per_page=100&sort=created": {body: githubRepos},
		"/api/v3/repos/acme/shop/branches/main":                                  {body: `{"name": "main", "commit": {"sha": "s1", "url": "…"}, "protected": true}`},
		"/api/v3/repos/acme/old/branches/master":                                 {body: `{"name": "master", "commit": {"sha": "o1"}}`},
		"/api/v3/repos/acme/shop/branches?page=1&per_page=100":                   {header: map[string]string{"Link": `<https://api.github.com/x>; rel="next"`}, body: `[{"name": "feature/a b", "commit": {"sha": "s2"}}]`},
		"/api/v3/repos/acme/shop/branches?page=2&per_page=100":                   {body: `[{"name": "main", "commit": {"sha": "s1"}}]`},
		"/api/v3/repos/acme/shop/contents/deploy/base?ref=main":                  {body: `[{"name": "kustomization.yaml", "type": "file"}]`},
		"/api/v3/repos/acme/shop/contents/deploy/base?ref=feature%2Fa+b":         {body: `[]`},
	}
	for _, tt := range []struct {
		name, login string
		answers     map[string]answer
		generator   func(address string) api.SCMProviderGenerator
		path        string
		want        string
		unasked     string // a part of what must not be asked
	}{
		{
			"github, the default branches", "Authorization: Bearer " + planted, github,
			func(address string) api.SCMProviderGenerator {
				return api.SCMProviderGenerator{Github: &api.SCMGithub{Organization: "acme", API: address, TokenRef: tokenRef}}
			},
			"deploy/base",
			`acme/shop#101 git@github.com:acme/shop.git main@s1 [argocd go] deploy/base=true
			acme/old#102 git@github.com:acme/old.git master@o1 [] deploy/base=false`, "",
		},
		{
			"github, all branches of some", "", github,
			func(address string) api.SCMProviderGenerator {
				return api.SCMProviderGenerator{
					Github: &api.SCMGithub{Organization: "acme", API: address, AllBranches: true, ExcludeArchivedRepos: true}, CloneProtocol: "https",
					Filters: []api.SCMFilter{{RepositoryMatch: text("^shop$")}},
				}
			},
			"deploy/base",
			`acme/shop#101 https://github.com/acme/shop.git feature/a b@s2 [argocd go] deploy/base=true
			acme/shop#101 https://github.com/acme/shop.git main@s1 [argocd go] deploy/base=true`, "empty",
		},
		{
			"gitlab, with subgroups", "PRIVATE-TOKEN: " + planted,
			map[string]answer{
				"/api/v4/groups/acme%2Fall/projects?archived=false&include_subgroups=true&order_by=id&page=1&per_page=100&sort=asc&topic=argocd&with_shared=true": {body: gitlabProjects},
				"/api/v4/projects/9/repository/branches/main":                                 {body: `{"name": "main", "commit": {"id": "g1", "short_id": "g"}}`},
				"/api/v4/projects/9/repository/tree?page=1&path=deploy&per_page=100&ref=main": {header: map[string]string{"X-Next-Page": "2"}, body: `[{"id": "1", "name": "a", "type": "tree", "path": "deploy/a"}]`},
				"/api/v4/projects/9/repository/tree?page=2&path=deploy&per_page=100&ref=main": {body: `[{"name": "base", "type": "tree", "path": "deploy/base"}]`},
			},
			func(address string) api.SCMProviderGenerator {
				return api.SCMProviderGenerator{Gitlab: &api.SCMGitlab{Group: "acme/all", API: address, TokenRef: tokenRef, IncludeSubgroups: true, Topic: "argocd"}, CloneProtocol: "https"}
			},
			"deploy/base",
			`acme/team/shop#9 https://gitlab.com/acme/team/shop.git main@g1 [argocd] deploy/base=true`, "projects/10/",
		},
		{
			"gitlab, all branches, shared ones left out", "",
			map[string]answer{
				"/api/v4/groups/7/projects?include_subgroups=false&order_by=id&page=1&per_page=100&sort=asc&with_shared=false": {body: gitlabProjects},
				"/api/v4/projects/9/repository/branches?page=1&per_page=100":                                                   {body: `[{"name": "main", "commit": {"id": "g1"}}, {"name": "next", "commit": {"id": "g2"}}]`},
				"/api/v4/projects/9/repository/tree?page=1&per_page=100&ref=main":                                              {body: `[{"name": "deploy.yaml", "path": "deploy.yaml"}]`},
			},
			func(address string) api.SCMProviderGenerator {
				shared := false
				return api.SCMProviderGenerator{Gitlab: &api.SCMGitlab{Group: "7", API: address + "/api/v4", AllBranches: true, IncludeSharedProjects: &shared, IncludeArchivedRepos: true}}
			},
			"deploy.yaml",
			`acme/team/shop#9 git@gitlab.com:acme/team/shop.git main@g1 [argocd] deploy.yaml=true
			acme/team/shop#9 git@gitlab.com:acme/team/shop.git next@g2 [argocd] deploy.yaml=false`, "",
		},
		{
			"gitea, labels of their own", "Authorization: token " + planted,
			map[string]answer{
				"/api/v1/orgs/acme/repos?limit=50&page=1":                 {header: map[string]string{"X-Total-Count": "3"}, body: giteaRepos},
				"/api/v1/repos/acme/shop/labels?limit=50&page=1":          {body: `[{"id": 1, "name": "deploy", "color": "f00"}]`},
				"/api/v1/repos/acme/shop/branches/release/1":              {body: `{"name": "release/1", "commit": {"id": "t1", "message": "x"}}`},
				"/api/v1/repos/acme/shop/contents/deploy?ref=release%2F1": {body: `[{"name": "a"}]`},
			},
			func(address string) api.SCMProviderGenerator {
				return api.SCMProviderGenerator{Gitea: &api.SCMGitea{Owner: "acme", API: address, TokenRef: tokenRef, ExcludeArchivedRepos: true}, CloneProtocol: "https", Filters: []api.SCMFilter{{LabelMatch: text("deploy")}}}
			},
			"deploy",
			`acme/shop#5 https://gitea.example.com/acme/shop release/1@t1 [deploy] deploy=true`, "void",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.login, tt.answers)
			g := tt.generator(w.URL)
			all, err := answersFor(t, forge.Options{}, own()).Repositories(t.Context(), &g)
			if err != nil {
				t.Fatalf("%v\nasked: %v", err, w.requests())
			}
			compare(t, printRepositories(t, all, tt.path), tt.want)
			for _, asked := range w.requests() {
				if tt.unasked != "" && strings.Contains(asked, tt.unasked) {
					t.Errorf("it asks for %s", asked)
				}
			}
		})
	}
}
