package forge

import (
	"context"
	"net/url"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset"
)

// githubRepositories are those of an organization.
type githubRepositories struct {
	*server
	of *api.SCMGithub
}

func (a *Answers) githubProvider(ctx context.Context, g *api.SCMGithub) (provider, error) {
	s, err := a.github(ctx, g.API, g.TokenRef, g.AppSecretName, g.Organization)
	if err != nil {
		return nil, err
	}
	return &githubRepositories{s, g}, nil
}

func (p *githubRepositories) all() bool { return p.of.AllBranches }

type githubRepository struct {
	ID       int64
	Name     string
	Owner    githubUser
	SSHURL   string `json:"ssh_url"`
	CloneURL string `json:"clone_url"`
	Default  string `json:"default_branch"`
	Topics   []string
	Archived bool
}

func (r githubRepository) key() int64 { return r.ID }

func (p *githubRepositories) repositories(ctx context.Context) ([]repository, error) {
	known, err := list[githubRepository](ctx, p.server, "/orgs/"+url.PathEscape(p.of.Organization)+"/repos", inOrder, githubRepository.key)
	if err != nil {
		return nil, err
	}
	var all []repository
	for _, r := range known {
		if r.Archived && p.of.ExcludeArchivedRepos {
			continue
		}
		all = append(all, repository{ssh: r.SSHURL, https: r.CloneURL, Repository: appset.Repository{
			Organization: r.Owner.Login, Repository: r.Name, ID: r.ID, Branch: r.Default, Labels: r.Topics,
		}})
	}
	return all, nil
}

// githubBranch is one at GitHub; Gitea calls the commit's SHA its ID.
type githubBranch struct {
	Name   string
	Commit struct{ SHA, ID string }
}

func (b githubBranch) key() string { return b.Name }

func (p *githubRepositories) at(r repository) string {
	return "/repos/" + url.PathEscape(r.Organization) + "/" + url.PathEscape(r.Repository.Repository)
}

func (p *githubRepositories) branches(ctx context.Context, r repository) ([]branch, error) {
	known, err := list[githubBranch](ctx, p.server, p.at(r)+"/branches", perPage, githubBranch.key)
	all := make([]branch, len(known))
	for i, b := range known {
		all[i] = branch{b.Name, b.Commit.SHA}
	}
	return all, err
}

func (p *githubRepositories) branch(ctx context.Context, r repository) (*branch, error) {
	var b githubBranch
	_, err := p.get(ctx, p.at(r)+"/branches/"+url.PathEscape(r.Branch), nil, &b)
	return found(&branch{b.Name, b.Commit.SHA}, err)
}

func (p *githubRepositories) hasPath(ctx context.Context, r repository, branch, path string) (bool, error) {
	return exists(ctx, p.server, p.at(r)+"/contents/"+escaped(path), url.Values{"ref": {branch}})
}

// exists says whether there is something to get.
func exists(ctx context.Context, s *server, path string, query url.Values) (bool, error) {
	var anything any
	_, err := s.get(ctx, path, query, &anything)
	if isNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

// escaped keeps the slashes of a path within a repository.
func escaped(path string) string {
	segments := strings.Split(strings.Trim(path, "/"), "/")
	for i, segment := range segments {
		segments[i] = url.PathEscape(segment)
	}
	return strings.Join(segments, "/")
}
