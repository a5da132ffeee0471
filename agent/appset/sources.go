package appset

import (
	"context"
	"io/fs"

	"github.com/tidelock-io/tidelock/agent/api"
)

// Sources answer what generators ask. An error with [ErrUnavailable] in it says that
// the question cannot be answered here; any other that the answer could not be had this
// time. Either way nothing is generated.
type Sources interface {
	// Tree returns the files of a repository at a revision.
	Tree(ctx context.Context, repoURL, revision string) (fs.FS, error)
	// Clusters returns all clusters that have a secret.
	Clusters(ctx context.Context) ([]Cluster, error)
	// PullRequests returns the open ones, before the generator's filters.
	PullRequests(ctx context.Context, g *api.PullRequestGenerator) ([]PullRequest, error)
	// Repositories returns those of an organization, a branch each, before the
	// generator's filters.
	Repositories(ctx context.Context, g *api.SCMProviderGenerator) ([]Repository, error)
	// Plugin returns what the service answers: output.parameters.
	Plugin(ctx context.Context, g *api.PluginGenerator) ([]map[string]any, error)
}

// A Cluster is what its secret says of it.
type Cluster struct {
	Name, Server, Project string
	Labels, Annotations   map[string]string
}

// A PullRequest is an open one.
type PullRequest struct {
	Number               int64
	Title, Author        string
	Branch, TargetBranch string
	HeadSHA              string
	Labels               []string
}

// A Repository is one branch of one.
type Repository struct {
	Organization, Repository string
	// ID is what the provider calls it by; a number or a text.
	ID          any
	URL         string
	Branch, SHA string
	Labels      []string
	// HasPath tells whether the branch has a file or directory. It is asked only if
	// a filter is about paths.
	HasPath func(ctx context.Context, path string) (bool, error)
}

// Unavailable answers nothing. Sources that know only some of the answers embed it.
type Unavailable struct{}

// Tree has no repository.
func (Unavailable) Tree(context.Context, string, string) (fs.FS, error) {
	return nil, failf(ErrUnavailable, "there are no repositories to read")
}

// Clusters knows none.
func (Unavailable) Clusters(context.Context) ([]Cluster, error) {
	return nil, failf(ErrUnavailable, "which clusters there are is not known")
}

// PullRequests cannot ask the provider.
func (Unavailable) PullRequests(context.Context, *api.PullRequestGenerator) ([]PullRequest, error) {
	return nil, failf(ErrUnavailable, "which pull requests there are would have to be asked of their server")
}

// Repositories cannot ask the provider.
func (Unavailable) Repositories(context.Context, *api.SCMProviderGenerator) ([]Repository, error) {
	return nil, failf(ErrUnavailable, "which repositories there are would have to be asked of their server")
}

// Plugin cannot ask the service.
func (Unavailable) Plugin(_ context.Context, g *api.PluginGenerator) ([]map[string]any, error) {
	return nil, failf(ErrUnavailable, "the service that ConfigMap %q names would have to be asked", g.ConfigMapRef.Name)
}

// Unanswered is an error with [ErrUnavailable] in it, which says in its own words what
// is missing.
func Unanswered(format string, args ...any) error { return failf(ErrUnavailable, format, args...) }
