package forge_test

import (
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset/forge"
)

var tokenRef = &api.SecretRef{SecretName: "token", Key: "value"}

const githubPull12 = `{"id": 1, "number": 12, "state": "open", "title": "Faster checkout", "user": {"login": "ada", "id": 7},
	"labels": [{"id": 3, "name": "preview", "color": "f00"}, {"id": 4, "name": "shop"}], "draft": false,
	"head": {"label": "acme:fast", "ref": "fast", "sha": "0123456789abcdef0123456789abcdef01234567", "repo": null},
	"base": {"label": "acme:main", "ref": "main", "sha": "ffffffffffffffffffffffffffffffffffffffff"}}`

const githubPull13 = `{"number": 13, "title": "Docs", "user": null, "labels": [], "head": {"ref": "docs", "sha": "abc"}, "base": {"ref": "main"}}`

const gitlabPull7 = `{"id": 90, "iid": 7, "project_id": 4, "title": "Draft: blue", "state": "opened", "target_branch": "main", "source_branch": "blue",
	"author": {"id": 1, "username": "grace", "name": "Grace"}, "labels": ["preview"], "sha": "beef", "merge_status": "can_be_merged"}`

// The answers are those that the servers' documentations show, shortened.
func TestPullRequests(t *testing.T) {
	for _, tt := range []struct {
		name, login string
		answers     map[string]answer
		generator   func(address string) api.PullRequestGenerator
		want        string
	}{
		{
			"github, two pages", "Authorization: Bearer " + planted,
			map[string]answer{
				"/api/v3/repos/acme/shop/pulls?direction=asc&page=1&per_page=100&sort=created": {header: map[string]string{"Link": `<https://elsewhere.example.com/x?page=2>; rel="next", <https://elsewhere.example.com/x?page=2>; rel="last"`}, body: "[" + githubPull12 + "]"},
				"/api/v3/repos/acme/shop/pulls?direction=asc&page=2&per_page=100&sort=created": {header: map[string]string{"Link": `<https://elsewhere.example.com/x?page=1>; rel="prev"`}, body: "[" + githubPull13 + "]"},
			},
			func(address string) api.PullRequestGenerator {
				return api.PullRequestGenerator{Github: &api.PullRequestGithub{Owner: "acme", Repo: "shop", API: address, TokenRef: tokenRef}}
			},
			`12 "Faster checkout" by ada: fast@0123456789abcdef0123456789abcdef01234567 into main [preview shop]
			13 "Docs" by : docs@abc into main []`,
		},
		{
			"github, all of the labels", "",
			map[string]answer{"/api/v3/repos/acme/shop/pulls?direction=asc&page=1&per_page=100&sort=created": {body: "[" + githubPull12 + "," + githubPull13 + "]"}},
			func(address string) api.PullRequestGenerator {
				return api.PullRequestGenerator{Github: &api.PullRequestGithub{Owner: "acme", Repo: "shop", API: address + "/api/v3/", Labels: []string{"shop", "preview"}}}
			},
			`12 "Faster checkout" by ada: fast@0123456789abcdef0123456789abcdef01234567 into main [preview shop]`,
		},
		{
			"github, one label that none has", "",
			map[string]answer{"/api/v3/repos/acme/shop/pulls?direction=asc&page=1&per_page=100&sort=created": {body: "[" + githubPull12 + "]"}},
			func(address string) api.PullRequestGenerator {
				return api.PullRequestGenerator{Github: &api.PullRequestGithub{Owner: "acme", Repo: "shop", API: address, Labels: []string{"preview", "other"}}}
			},
			"",
		},
		{
			"gitlab, the project by its path", "PRIVATE-TOKEN: " + planted,
			map[string]answer{
				"/api/v4/projects/acme%2Fteam%2Fshop/merge_requests?labels=preview%2Cshop&order_by=created_at&page=1&per_page=100&sort=asc&state=opened": {header: map[string]string{"X-Next-Page": "2", "X-Total-Pages": "2"}, body: "[" + gitlabPull7 + "]"},
				"/api/v4/projects/acme%2Fteam%2Fshop/merge_requests?labels=preview%2Cshop&order_by=created_at&page=2&per_page=100&sort=asc&state=opened": {header: map[string]string{"X-Next-Page": ""}, body: "[" + strings.Replace(gitlabPull7, `"iid": 7`, `"iid": 8`, 1) + "]"},
			},
			func(address string) api.PullRequestGenerator {
				return api.PullRequestGenerator{Gitlab: &api.PullRequestGitlab{Project: "acme/team/shop", API: address, TokenRef: tokenRef, Labels: []string{"preview", "shop"}, PullRequestState: "opened"}}
			},
			`7 "Draft: blue" by grace: blue@beef into main [preview]
			8 "Draft: blue" by grace: blue@beef into main [preview]`,
		},
		{
			"gitlab, by its number, of every state", "",
			map[string]answer{"/git/api/v4/projects/42/merge_requests?order_by=created_at&page=1&per_page=100&sort=asc": {body: "[]"}},
			func(address string) api.PullRequestGenerator {
				return api.PullRequestGenerator{Gitlab: &api.PullRequestGitlab{Project: "42", API: address + "/git"}}
			},
			"",
		},
		{
			"gitea, that counts what there is", "Authorization: token " + planted,
			map[string]answer{
				"/api/v1/repos/acme/shop/pulls?limit=50&page=1&sort=oldest&state=open": {header: map[string]string{"X-Total-Count": "2"}, body: "[" + githubPull12 + "]"},
				"/api/v1/repos/acme/shop/pulls?limit=50&page=2&sort=oldest&state=open": {header: map[string]string{"X-Total-Count": "2"}, body: "[" + githubPull13 + "]"},
			},
			func(address string) api.PullRequestGenerator {
				return api.PullRequestGenerator{Gitea: &api.PullRequestGitea{Owner: "acme", Repo: "shop", API: address, TokenRef: tokenRef}}
			},
			`12 "Faster checkout" by ada: fast@0123456789abcdef0123456789abcdef01234567 into main [preview shop]
			13 "Docs" by : docs@abc into main []`,
		},
		{
			"a repository that is not there, which may be", "",
			nil,
			func(address string) api.PullRequestGenerator {
				return api.PullRequestGenerator{Gitea: &api.PullRequestGitea{Owner: "acme", Repo: "gone", API: address}, ContinueOnRepoNotFoundError: true}
			},
			"",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.login, tt.answers)
			g := tt.generator(w.URL)
			pulls, err := answersFor(t, forge.Options{}, own()).PullRequests(t.Context(), &g)
			if err != nil {
				t.Fatalf("%v\nasked: %v", err, w.requests())
			}
			compare(t, printPulls(pulls), tt.want)
		})
	}
}
