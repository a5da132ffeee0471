package forge_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset/forge"
	"github.com/tidelock-io/tidelock/agent/appset/forge/forgetest"
)

// branches are those of a repository, each with a directory deploy but for docs.
type branches map[string]string

func (b branches) Heads(context.Context) (map[string]string, error) { return b, nil }

func (b branches) List(_ context.Context, branch, dir string) ([]string, error) {
	switch {
	case b[branch] == "" || dir != "":
		return nil, nil
	case branch == "docs":
		return []string{"README"}, nil
	}
	return []string{"README", "deploy"}, nil
}

// aForge has one repository with two pull requests.
func aForge(t *testing.T) *forgetest.Forge {
	t.Helper()
	f := forgetest.Start(planted, "")
	t.Cleanup(f.Close)
	f.Add(forgetest.Repository{
		Owner: "acme", Name: "shop", Default: "main", CloneURL: "https://git.example.com/acme/shop.git", Topics: []string{"deploy"},
		Git: branches{"main": "m1", "docs": "d1", "feature/a": "f1"},
	})
	for i, name := range []string{"docs", "feature/a"} {
		if _, err := f.Open("acme", "shop", forgetest.Pull{Number: 7 + i, Title: name, Author: "ada", Branch: name, Labels: []string{"preview"}}); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// products are generators of pull requests and repositories for each product.
func products(address string) map[string]struct {
	pulls api.PullRequestGenerator
	repos api.SCMProviderGenerator
} {
	type pair = struct {
		pulls api.PullRequestGenerator
		repos api.SCMProviderGenerator
	}
	preview := []string{"preview"}
	all := map[string]pair{
		"github": {
			api.PullRequestGenerator{Github: &api.PullRequestGithub{Owner: "acme", Repo: "shop", API: address, TokenRef: tokenRef, Labels: preview}},
			api.SCMProviderGenerator{Github: &api.SCMGithub{Organization: "acme", API: address, TokenRef: tokenRef, AllBranches: true}},
		},
		"gitlab": {
			api.PullRequestGenerator{Gitlab: &api.PullRequestGitlab{Project: "acme/shop", API: address, TokenRef: tokenRef, Labels: preview}},
			api.SCMProviderGenerator{Gitlab: &api.SCMGitlab{Group: "acme", API: address, TokenRef: tokenRef, AllBranches: true}},
		},
		"gitea": {
			api.PullRequestGenerator{Gitea: &api.PullRequestGitea{Owner: "acme", Repo: "shop", API: address, TokenRef: tokenRef, Labels: preview}},
			api.SCMProviderGenerator{Gitea: &api.SCMGitea{Owner: "acme", API: address, TokenRef: tokenRef, AllBranches: true}},
		},
	}
	for name, p := range all {
		p.repos.CloneProtocol = "https"
		p.repos.Filters = []api.SCMFilter{{PathsExist: []string{"deploy"}}}
		all[name] = p
	}
	return all
}

// TestMoods: whatever is wrong with a forge, nothing is learned from it, and that is an
// error which says what is wrong, with what an administrator can do; a forge that is well
// is read to its last page.
func TestMoods(t *testing.T) {
	const pulls = "7 \"docs\" by ada: docs@d1 into main [preview]\n8 \"feature/a\" by ada: feature/a@f1 into main [preview]\n"
	wants := map[forgetest.Mood]string{
		forgetest.Down: "status 502", forgetest.Denied: "status 401 (Bad credentials); the token is that of Secret token, which may not do this or has ended",
		forgetest.Limited: "it was asked too often, and may be asked again at ", forgetest.Hanging: "ask ", forgetest.Half: "unexpected EOF", forgetest.Torn: "status 502",
	}
	f := aForge(t)
	for product, g := range products(f.URL) {
		for _, mood := range forgetest.Moods {
			t.Run(fmt.Sprint(product, " ", mood), func(t *testing.T) {
				o := forge.Options{}
				if mood == forgetest.Hanging {
					o.Timeout = 50 * time.Millisecond
				}
				asks := answersFor(t, o, own())
				f.Is(mood)
				defer f.Is(forgetest.Well)
				list, err := asks.PullRequests(t.Context(), &g.pulls)
				repos, reposErr := asks.Repositories(t.Context(), &g.repos)
				switch mood {
				case forgetest.Well:
					if err != nil || reposErr != nil {
						t.Fatal(err, reposErr)
					}
					compare(t, printPulls(list), strings.TrimSpace(pulls))
					var names []string
					for _, r := range repos {
						has, err := r.HasPath(t.Context(), "deploy")
						names = append(names, fmt.Sprint(r.Branch, "@", r.SHA, " ", has, " ", r.Labels, " ", r.URL, " ", err))
					}
					const at = " [deploy] https://git.example.com/acme/shop.git <nil>"
					slices.Sort(names)
					compare(t, strings.Join(names, "\n"), "docs@d1 false"+at+"\nfeature/a@f1 true"+at+"\nmain@m1 true"+at)
				case forgetest.Empty:
					if err != nil || reposErr != nil || len(list)+len(repos) > 0 {
						t.Errorf("got %v, %v and %v, %v", list, err, repos, reposErr)
					}
				default:
					for _, err := range []error{err, reposErr} {
						if err == nil || !strings.Contains(err.Error(), wants[mood]) || strings.Contains(err.Error(), planted) {
							t.Errorf("got %v, want %s", err, wants[mood])
						}
						var refusal *forge.Refusal
						if until := errors.As(err, &refusal) && !refusal.Until.IsZero(); until != (mood == forgetest.Limited) {
							t.Errorf("it may be asked again at a time: %v", until)
						}
					}
					if len(list)+len(repos) > 0 {
						t.Errorf("it gives a part: %v and %v", list, repos)
					}
				}
			})
		}
	}
}
