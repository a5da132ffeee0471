package sets

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset"
	"github.com/tidelock-io/tidelock/agent/git"
)

// sources answer the generators of one set, in one pass.
type sources struct {
	appset.Unavailable
	*pass
	project  string // "" if parameters say which
	services Services
	reads    []address
	// gitEvery is how often repositories are to be asked; 0 leaves that to who watches them.
	gitEvery time.Duration
}

func newSources(p *pass) *sources {
	s := &sources{pass: p, project: p.set.Spec.Template.Spec.ProjectName()}
	if strings.Contains(s.project, "{{") {
		s.project = "" // it has what is bound to no project
	}
	if p.c.Services != nil {
		s.services = p.c.Services(p.set)
	}
	if s.gitEvery = gitEvery(p.set.Spec.Generators); s.gitEvery > 0 {
		p.again = min(p.again, s.gitEvery)
	}
	return s
}

// Tree returns the files of a commit: of the one that is known to be the newest. Which
// that is is asked for once, and from then on watched. A server that cannot be reached
// any more is an error, though what it said last is known: with parameters of yesterday
// nothing is made or deleted.
func (s *sources) Tree(ctx context.Context, url, revision string) (fs.FS, error) {
	if !slices.Contains(s.reads, address(url)) {
		s.reads = append(s.reads, address(url))
		s.c.reading(s.name, address(url)) // before it is asked: news from then on count
	}
	repo, err := s.repo(url)
	if err != nil {
		return nil, err
	}
	known, ok := s.c.Git.Known(repo, revision)
	due := s.renew || s.gitEvery > 0 && s.now.Sub(known.At) >= s.gitEvery
	switch {
	case ok && !due && known.Err != nil:
		return nil, fmt.Errorf("%w (still at commit %.7s, of %s)", known.Err, known.SHA, known.At.UTC().Format(time.RFC3339))
	case !ok || due:
		known.SHA, err = ask(ctx, s.pass, git.Host(url), func() (string, error) { return s.c.Git.Resolve(ctx, repo, revision) })
		if err != nil {
			return nil, err
		}
	}
	tree, err := s.tree(ctx, repo, known.SHA)
	if err != nil {
		return nil, err
	}
	return tree, s.prove(ctx, repo, revision, known.SHA)
}

// tree opens a commit. The server is asked only for one that is not here.
func (s *sources) tree(ctx context.Context, repo git.Repo, sha string) (*git.Tree, error) {
	open := func() (*git.Tree, error) { return s.c.Git.Tree(ctx, repo, sha) }
	if s.c.Git.Has(repo, sha) {
		return open()
	}
	return ask(ctx, s.pass, git.Host(repo.URL), open)
}

// leastEvery bounds how often a set can have repositories asked.
const leastEvery = 10 * time.Second

// gitEvery is the shortest requeueAfterSeconds of generators that read Git, those within
// others included; 0 if none states it.
func gitEvery(generators []api.Generator) (every time.Duration) {
	shorter := func(d time.Duration) {
		if d > 0 && (every == 0 || d < every) {
			every = d
		}
	}
	for i := range generators {
		g := &generators[i]
		if g.Git != nil && g.Git.RequeueAfterSeconds != nil && *g.Git.RequeueAfterSeconds > 0 {
			shorter(max(leastEvery, time.Duration(min(*g.Git.RequeueAfterSeconds, maxEvery))*time.Second))
		}
		for _, child := range g.Children() {
			if decoded, err := child.Decode(); err == nil { // else the generation tells
				shorter(gitEvery([]api.Generator{decoded}))
			}
		}
	}
	return every
}

// maxEvery keeps seconds from being too many to count.
const maxEvery = int64(365 * 24 * 3600)

// prove makes sure that a commit is signed, if the project demands it. Which project that
// is may be what the commit says; then nobody can.
func (s *sources) prove(ctx context.Context, repo git.Repo, revision, sha string) error {
	if s.project == "" {
		return nil
	}
	app := &api.Application{Spec: api.ApplicationSpec{Project: s.project}}
	return s.c.Verify(ctx, app, repo, revision, sha)
}

// Clusters are those that have a Secret.
func (s *sources) Clusters(context.Context) ([]appset.Cluster, error) {
	all, err := s.c.Clusters()
	return s.visible(all), err
}

// errUnsupported says that a generator is one that this version cannot ask.
var errUnsupported = errors.New("this version does not support it")

// PullRequests asks the provider.
func (s *sources) PullRequests(ctx context.Context, g *api.PullRequestGenerator) ([]appset.PullRequest, error) {
	if s.services == nil {
		return nil, fmt.Errorf("generators of pull requests: %w", errUnsupported)
	}
	return remembered(ctx, s.pass, &api.Generator{PullRequest: g}, func() ([]appset.PullRequest, error) { return s.services.PullRequests(ctx, g) })
}

// Repositories asks the provider.
func (s *sources) Repositories(ctx context.Context, g *api.SCMProviderGenerator) ([]appset.Repository, error) {
	if s.services == nil {
		return nil, fmt.Errorf("generators of repositories: %w", errUnsupported)
	}
	question := &api.Generator{SCMProvider: g}
	all, err := remembered(ctx, s.pass, question, func() (*listing, error) {
		all, err := s.services.Repositories(ctx, g)
		return &listing{repositories: all, paths: map[inRepository]bool{}}, err
	})
	if err != nil {
		return nil, err
	}
	return all.of(s.pass, question), nil
}

// Plugin asks the service.
func (s *sources) Plugin(ctx context.Context, g *api.PluginGenerator) ([]map[string]any, error) {
	if s.services == nil {
		return nil, fmt.Errorf("generators of plugins: %w", errUnsupported)
	}
	return remembered(ctx, s.pass, &api.Generator{Plugin: g}, func() ([]map[string]any, error) { return s.services.Plugin(ctx, g) })
}
