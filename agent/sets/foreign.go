package sets

import (
	"fmt"
	"slices"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset"
	"github.com/tidelock-io/tidelock/agent/git"
)

// A set of another namespace than the agent's is not an administrator's: it is whoever's
// may write there. Its Applications stay in its namespace, which their project has to
// permit, and so has the project whose credentials a generator reads a repository by. A
// project that is a parameter has no credentials, for what is read decides on it.

// foreign says that the set is in another namespace than the agent's.
func (p *pass) foreign() bool { return p.set.Namespace != p.c.Namespace }

// unfollowed is an error if nobody would look at the set's Applications.
func (p *pass) unfollowed() error {
	if !p.foreign() || p.c.Followed == nil || p.c.Followed(p.set.Namespace) {
		return nil
	}
	return fmt.Errorf("Applications of namespace %s are not looked at: the administrator has to name it in --application-namespaces, too", p.set.Namespace)
}

// belongs says why a project cannot have an Application of the set. The default one the
// agent makes itself.
func (p *pass) belongs(project string) error {
	if project != api.DefaultProject {
		if _, err := p.c.Applications.Project(project); err != nil {
			return err
		}
	}
	if !p.foreign() {
		return nil
	}
	return p.permit(project, "")
}

func (p *pass) permit(project, repoURL string) error {
	if p.c.Permit == nil {
		return fmt.Errorf("project %s permits no ApplicationSets in namespace %s", project, p.set.Namespace)
	}
	return p.c.Permit(project, p.set.Namespace, repoURL)
}

// repo is a repository as the set may reach it.
func (s *sources) repo(url string) (git.Repo, error) {
	if !s.foreign() {
		return s.c.Repo(url, s.project), nil
	}
	if s.project == "" {
		return git.Repo{URL: url}, nil
	}
	return s.c.Repo(url, s.project), s.permit(s.project, url)
}

// visible leaves out clusters that are bound to a project which is not the set's.
func (s *sources) visible(all []appset.Cluster) []appset.Cluster {
	if !s.foreign() {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(c appset.Cluster) bool { return c.Project != "" && c.Project != s.project })
}
