package forge

import (
	"context"
	"maps"
	"net/url"

	"golang.org/x/sync/errgroup"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset"
)

// giteaPage is the most that Gitea lists at once as it is installed; one that lists
// less says how much there is.
var giteaPage = url.Values{"limit": {"50"}}

func (a *Answers) gitea(ctx context.Context, address string, ref *api.SecretRef, insecure bool) (*server, error) {
	s, err := a.connect(ctx, place{product: "Gitea", address: address, suffix: below("/api/v1"), insecure: insecure})
	if err != nil {
		return nil, err
	}
	s.header, s.scheme = "Authorization", "token "
	return s, a.token(ctx, s, ref)
}

func (a *Answers) giteaPulls(ctx context.Context, g *api.PullRequestGitea) ([]appset.PullRequest, error) {
	s, err := a.gitea(ctx, g.API, g.TokenRef, g.Insecure)
	if err != nil {
		return nil, err
	}
	defer s.close()
	query := maps.Clone(giteaPage)
	query.Set("state", "open")
	query.Set("sort", "oldest")
	pulls, err := list[githubPull](ctx, s, "/repos/"+url.PathEscape(g.Owner)+"/"+url.PathEscape(g.Repo)+"/pulls", query, githubPull.key)
	if err != nil {
		return nil, err
	}
	var all []appset.PullRequest
	for _, p := range pulls {
		labels := namesOf(p.Labels)
		if !hasAll(labels, g.Labels) {
			continue
		}
		all = append(all, appset.PullRequest{
			Number: p.Number, Title: p.Title, Author: p.User.Login,
			Branch: p.Head.Ref, TargetBranch: p.Base.Ref, HeadSHA: p.Head.SHA, Labels: labels,
		})
	}
	return all, nil
}

// giteaRepositories are those of an organization.
type giteaRepositories struct {
	*server
	of *api.SCMGitea
}

func (a *Answers) giteaProvider(ctx context.Context, g *api.SCMGitea) (provider, error) {
	s, err := a.gitea(ctx, g.API, g.TokenRef, g.Insecure)
	if err != nil {
		return nil, err
	}
	return &giteaRepositories{s, g}, nil
}

func (p *giteaRepositories) all() bool { return p.of.AllBranches }

type giteaRepository struct {
	githubRepository
	HTMLURL string `json:"html_url"`
	Empty   bool
}

func (p *giteaRepositories) at(name string) string {
	return "/repos/" + url.PathEscape(p.of.Owner) + "/" + url.PathEscape(name)
}

func (p *giteaRepositories) repositories(ctx context.Context) ([]repository, error) {
	known, err := list[giteaRepository](ctx, p.server, "/orgs/"+url.PathEscape(p.of.Owner)+"/repos", giteaPage, giteaRepository.key)
	if err != nil {
		return nil, err
	}
	var all []repository
	for _, r := range known {
		if r.Archived && p.of.ExcludeArchivedRepos || r.Empty {
			continue
		}
		all = append(all, repository{ssh: r.SSHURL, https: r.HTMLURL, Repository: appset.Repository{
			Organization: p.of.Owner, Repository: r.Name, ID: r.ID, Branch: r.Default,
		}})
	}
	return all, p.label(ctx, all)
}

// label asks for the labels of each, which are those of its issues.
func (p *giteaRepositories) label(ctx context.Context, all []repository) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i := range all {
		group.Go(func() error {
			labels, err := list[named](ctx, p.server, p.at(all[i].Repository.Repository)+"/labels", giteaPage, named.key)
			all[i].Labels = namesOf(labels)
			return err
		})
	}
	return group.Wait()
}

func (p *giteaRepositories) branches(ctx context.Context, r repository) ([]branch, error) {
	known, err := list[githubBranch](ctx, p.server, p.at(r.Repository.Repository)+"/branches", giteaPage, githubBranch.key)
	all := make([]branch, len(known))
	for i, b := range known {
		all[i] = branch{b.Name, b.Commit.ID}
	}
	return all, err
}

// branch is an error if the default branch is not there: no repository but an empty one
// is without.
func (p *giteaRepositories) branch(ctx context.Context, r repository) (*branch, error) {
	var b githubBranch
	_, err := p.get(ctx, p.at(r.Repository.Repository)+"/branches/"+escaped(r.Branch), nil, &b)
	return &branch{b.Name, b.Commit.ID}, err
}

func (p *giteaRepositories) hasPath(ctx context.Context, r repository, branch, path string) (bool, error) {
	return exists(ctx, p.server, p.at(r.Repository.Repository)+"/contents/"+escaped(path), url.Values{"ref": {branch}})
}
