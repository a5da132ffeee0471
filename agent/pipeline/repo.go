package pipeline

import (
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/git"
)

// repo is a Git repository as an Application may reach it: submodules by the same
// rules as sources, with credentials of their own.
func (p *Pipeline) repo(app *api.Application, url string) git.Repo {
	project := app.Spec.ProjectName()
	repo := p.Keys.Repo(url, project)
	if p.PermitSource != nil && !p.NoSubmodules.Load() {
		repo.Modules = &git.Modules{
			Permit: p.PermitSource(app),
			Repo:   func(url string) git.Repo { return p.Keys.Repo(url, project) },
		}
	}
	return repo
}
