package pipeline

import (
	"context"
	"fmt"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/agent/registry"
)

// Commits finds commits and their files; git.Store does.
type Commits interface {
	Known(repo git.Repo, revision string) (git.Answer, bool)
	Resolve(ctx context.Context, repo git.Repo, revision string) (string, error)
	Tree(ctx context.Context, repo git.Repo, sha string) (*git.Tree, error)
}

// Artifacts finds what is not in Git; registry.Store does.
type Artifacts interface {
	Known(place registry.Place, revision string) (git.Answer, bool)
	Resolve(ctx context.Context, place registry.Place, revision string) (string, error)
	Tree(ctx context.Context, place registry.Place, revision string) (*git.Tree, error)
}

// An upstream is one place that files come from, in Git or not.
type upstream interface {
	known(revision string) (git.Answer, bool)
	resolve(ctx context.Context, revision string) (string, error)
	tree(ctx context.Context, resolved string) (*git.Tree, error)
	// prove makes sure that what was resolved is signed as the Application's
	// project demands. What it warns of may be used.
	prove(ctx context.Context, app *api.Application, revision, resolved string) (warning string, err error)
	// say names in a sentence what was resolved.
	say(resolved string) string
	String() string
}

// upstream is where a source of an Application comes from.
func (p *Pipeline) upstream(app *api.Application, source *api.Source) upstream {
	switch project := app.Spec.ProjectName(); {
	case source.IsChart():
		chart := registry.Chart(p.Keys.Registry(source.RepoURL, project), source.Chart)
		chart.PassCredentials = source.Helm != nil && source.Helm.PassCredentials
		return published{p, chart}
	case source.IsOCI():
		return published{p, registry.Artifact(p.Keys.Registry(source.RepoURL, project))}
	}
	repo := p.repo(app, source.RepoURL)
	repo.TagPrefix = source.TagPrefix
	return committed{p, repo}
}

// committed is in a Git repository.
type committed struct {
	p    *Pipeline
	repo git.Repo
}

func (c committed) String() string { return c.repo.String() }

func (c committed) known(revision string) (git.Answer, bool) { return c.p.Git.Known(c.repo, revision) }

func (c committed) resolve(ctx context.Context, revision string) (string, error) {
	return c.p.Git.Resolve(ctx, c.repo, revision)
}

func (c committed) tree(ctx context.Context, sha string) (*git.Tree, error) {
	return c.p.Git.Tree(ctx, c.repo, sha)
}

func (c committed) prove(ctx context.Context, app *api.Application, revision, sha string) (string, error) {
	return "", c.p.Verify(ctx, app, c.repo, revision, sha)
}

func (committed) say(sha string) string { return fmt.Sprintf("commit %.7s", sha) }

// published is in a registry, a Helm repository or on the web.
type published struct {
	p     *Pipeline
	place registry.Place
}

func (a published) String() string { return a.place.String() }

func (a published) known(revision string) (git.Answer, bool) {
	return a.p.Artifacts.Known(a.place, revision)
}

func (a published) resolve(ctx context.Context, revision string) (string, error) {
	return a.p.Artifacts.Resolve(ctx, a.place, revision)
}

func (a published) tree(ctx context.Context, resolved string) (*git.Tree, error) {
	return a.p.Artifacts.Tree(ctx, a.place, resolved)
}

func (a published) prove(_ context.Context, app *api.Application, _, _ string) (string, error) {
	return a.p.Vouch(app, a.place.URL)
}

func (published) say(resolved string) string { return api.ShortRevision(resolved) }

// A finding is what a revision stood for.
type finding struct {
	revision string // in full
	tree     *git.Tree
	warnings []Warning
}

// find asks for a revision. If the server cannot be reached, but was before, what
// is known stands, with a warning. It is proven against what the Application
// states, though an operation may have chosen the revision.
func (p *Pipeline) find(ctx context.Context, app *api.Application, from upstream, stated, revision string, renew bool) (finding, error) {
	var f finding
	known, ok := from.known(revision)
	switch {
	case ok && !renew && known.Err == nil:
	case ok && !renew:
		still := fmt.Sprintf("%v (still at %s, of %s)", known.Err, from.say(known.SHA), known.At.UTC().Format(time.RFC3339))
		f.warnings = append(f.warnings, Warning{api.ConditionComparisonError, still})
	default:
		sha, err := from.resolve(ctx, revision)
		if err != nil {
			return f, err
		}
		known.SHA = sha
	}
	f.revision = known.SHA
	var err error
	if f.tree, err = from.tree(ctx, f.revision); err != nil {
		return f, err
	}
	warning, err := from.prove(ctx, app, stated, f.revision)
	if warning != "" {
		f.warnings = append(f.warnings, Warning{ConditionUnsignedWarning, warning})
	}
	return f, err
}
