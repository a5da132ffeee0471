package forge

import (
	"context"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset"
)

// PullRequests returns the pull requests of a repository that have all labels, before
// the generator's filters.
func (a *Answers) PullRequests(ctx context.Context, g *api.PullRequestGenerator) ([]appset.PullRequest, error) {
	pulls, err := a.pulls(ctx, g)
	if g.ContinueOnRepoNotFoundError && isNotFound(err) {
		return nil, nil
	}
	return pulls, err
}

func (a *Answers) pulls(ctx context.Context, g *api.PullRequestGenerator) ([]appset.PullRequest, error) {
	switch {
	case g.Github != nil:
		return a.githubPulls(ctx, g.Github)
	case g.Gitlab != nil:
		return a.gitlabPulls(ctx, g.Gitlab)
	case g.Gitea != nil:
		return a.giteaPulls(ctx, g.Gitea)
	}
	return nil, unsupported("pull requests")
}

// Repositories returns the branches of the repositories of an organization, before the
// generator's filters, but without the repositories that these leave out in any case.
func (a *Answers) Repositories(ctx context.Context, g *api.SCMProviderGenerator) ([]appset.Repository, error) {
	var from provider
	var err error
	switch {
	case g.Github != nil:
		from, err = a.githubProvider(ctx, g.Github)
	case g.Gitlab != nil:
		from, err = a.gitlabProvider(ctx, g.Gitlab)
	case g.Gitea != nil:
		from, err = a.giteaProvider(ctx, g.Gitea)
	default:
		return nil, unsupported("repositories")
	}
	if err != nil {
		return nil, err
	}
	defer from.close()
	return branches(ctx, from, g)
}

func unsupported(what string) error {
	return appset.Unanswered("%s are asked for of GitHub, GitLab and Gitea only", what)
}
