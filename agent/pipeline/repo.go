package pipeline

import (
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/git"
)

// repo is the repository of a source, as an Application of project may reach it.
func (p *Pipeline) repo(source *api.Source, project string) git.Repo {
	repo := p.Keys.Repo(source.RepoURL, project)
	repo.TagPrefix = source.TagPrefix
	return repo
}
