package forge

import (
	"net/url"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
)

// News are what a server announces of a repository.
type News struct {
	// From is the kind of server, such as github.
	From string
	// URLs are the addresses that the repository goes by, and ID is its number, if that is
	// told.
	URLs []string
	ID   string
	// Pulls says that a pull request has changed, and Listing that the repository, or a
	// branch of it, is new or gone.
	Pulls, Listing bool
}

// The hosts of products whose generators need not say one.
const (
	githubHost = "github.com"
	gitlabHost = "gitlab.com"
)

// Concern says that what a generator was answered may be out of date.
func (n News) Concern(g *api.Generator) bool {
	switch {
	case n.Pulls && g.PullRequest != nil:
		return n.concernPulls(g.PullRequest)
	case n.Listing && g.SCMProvider != nil:
		return n.concernListing(g.SCMProvider)
	}
	return false
}

func (n News) concernPulls(g *api.PullRequestGenerator) bool {
	switch n.From {
	case "github":
		return g.Github != nil && n.is(g.Github.API, githubHost, g.Github.Owner+"/"+g.Github.Repo)
	case "gitlab":
		return g.Gitlab != nil && (n.is(g.Gitlab.API, gitlabHost, g.Gitlab.Project) || n.ID != "" && n.ID == g.Gitlab.Project)
	case "gitea", "gogs":
		return g.Gitea != nil && n.is(g.Gitea.API, "", g.Gitea.Owner+"/"+g.Gitea.Repo)
	}
	return false
}

func (n News) concernListing(g *api.SCMProviderGenerator) bool {
	switch n.From {
	case "github":
		return g.Github != nil && n.within(g.Github.API, githubHost, g.Github.Organization)
	case "gitlab":
		return g.Gitlab != nil && (n.within(g.Gitlab.API, gitlabHost, g.Gitlab.Group) || isNumber(g.Gitlab.Group))
	case "gitea", "gogs":
		return g.Gitea != nil && n.within(g.Gitea.API, "", g.Gitea.Owner)
	}
	return false
}

// is says that the repository is one of this path.
func (n News) is(api, host, path string) bool {
	return n.any(api, host, func(of string) bool { return strings.EqualFold(of, path) })
}

// within says that it is below a path.
func (n News) within(api, host, path string) bool {
	return n.any(api, host, func(of string) bool {
		return len(of) > len(path) && strings.EqualFold(of[:len(path)], path) && of[len(path)] == '/'
	})
}

// any says that one of the addresses is at a server, and its path is so. An address that a
// generator has may be another name of the server than it calls itself by.
func (n News) any(api, host string, is func(path string) bool) bool {
	for _, address := range n.URLs {
		u, err := url.Parse(address)
		if err != nil || api == "" && !strings.EqualFold(u.Hostname(), host) {
			continue
		}
		path := strings.TrimSuffix(strings.Trim(u.Path, "/"), ".git")
		if is(path) || is(strings.TrimPrefix(path, rootOf(api))) {
			return true
		}
	}
	return false
}

// rootOf is the path below which a server has its repositories and its API, with a slash
// behind it; "" if that is the host's own.
func rootOf(api string) string {
	u, err := url.Parse(api)
	if err != nil {
		return ""
	}
	root := strings.Trim(u.Path, "/")
	for _, suffix := range []string{"api/v1", "api/v3", "api/v4"} {
		if at, ok := strings.CutSuffix(root, suffix); ok {
			root = strings.Trim(at, "/")
		}
	}
	if root == "" {
		return ""
	}
	return root + "/"
}

func isNumber(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}
