package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/agent/registry"
	"golang.org/x/sync/errgroup"
)

// A sourceOf is a source as one or more Applications of a project have it.
type sourceOf struct {
	project string
	source  api.Source
	apps    []string
}

// lookSources asks each repository for what Applications want of it.
func (c *checker) lookSources(ctx context.Context, a *area) {
	if c.offline || c.ring == nil || c.noApps != nil {
		a.add(stateUnknown, "no repository was asked", "")
		return
	}
	dir, err := os.MkdirTemp("", "tidelock-check-")
	if err != nil {
		a.unread("repositories", err)
		return
	}
	defer os.RemoveAll(dir)
	store, err := git.NewStore(dir, git.Options{Log: quietLogger()})
	if err != nil {
		a.unread("repositories", err)
		return
	}
	defer func() { _ = store.Close() }() // nothing is under way
	artifacts := registry.NewStore(registry.Options{Log: slog.New(slog.DiscardHandler)})
	defer artifacts.Close()
	all := c.sources()
	errs := make([]error, len(all))
	var done atomic.Int64
	var g errgroup.Group
	g.SetLimit(asked)
	for i, s := range all {
		g.Go(func() error {
			errs[i] = c.ask(ctx, store, artifacts, s)
			c.talk.state("asked %d of %d repositories", done.Add(1), len(all))
			return nil
		})
	}
	_ = g.Wait() // the errors are in their places
	reportSources(a, all, errs)
}

// sources are those of all Applications, each once for a project.
func (c *checker) sources() (all []sourceOf) {
	for i := range c.apps {
		app := &c.apps[i]
		for _, source := range app.Spec.AllSources() {
			s := sourceOf{app.Spec.ProjectName(), source, []string{c.named(app)}}
			j := slices.IndexFunc(all, func(o sourceOf) bool {
				return o.project == s.project && o.source.RepoURL == source.RepoURL && o.source.Chart == source.Chart && o.source.Revision() == source.Revision()
			})
			if j >= 0 {
				all[j].apps = append(all[j].apps, c.named(app))
				continue
			}
			all = append(all, s)
		}
	}
	return all
}

// ask has a repository resolve a revision.
func (c *checker) ask(ctx context.Context, store *git.Store, artifacts *registry.Store, s sourceOf) error {
	var err error
	switch {
	case s.source.IsChart():
		_, err = artifacts.Resolve(ctx, registry.Chart(c.ring.Registry(s.source.RepoURL, s.project), s.source.Chart), s.source.Revision())
	case s.source.IsOCI():
		_, err = artifacts.Resolve(ctx, registry.Artifact(c.ring.Registry(s.source.RepoURL, s.project)), s.source.Revision())
	default:
		repo := c.ring.Repo(s.source.RepoURL, s.project)
		repo.TagPrefix = s.source.TagPrefix
		_, err = store.Resolve(ctx, repo, s.source.Revision())
	}
	return err
}

func reportSources(a *area, all []sourceOf, errs []error) {
	good := 0
	for i, s := range all {
		url, apps := git.Redact(s.source.RepoURL), listedNames(s.apps)
		switch err := errs[i]; {
		case err == nil:
			good++
		case errors.Is(err, git.ErrAuth):
			a.wrong("give credentials in a Secret with label "+api.LabelSecretType+": "+api.SecretTypeRepository+", of this project or of none", "%s does not let the agent in, for Applications of project %s (%s): %v", url, s.project, apps, err)
		case errors.Is(err, git.ErrRevision):
			a.wrong("correct targetRevision, or make what it names", "%s has no revision %s, which Applications name (%s): %v", url, s.source.Revision(), apps, err)
		case errors.Is(err, context.DeadlineExceeded):
			a.add(stateUnknown, url+" has not answered in time, which Applications read ("+apps+")", "give more time with --timeout")
		default:
			a.wrong("correct repoURL, or see to its server; what the agent cannot reach either stays as it is", "%s cannot be read from here, which Applications read (%s): %v", url, apps, err)
		}
	}
	if len(all) > 0 {
		a.ok("%d of %d sources of Applications answer", good, len(all))
	}
}

// lookGit looks for git, which commands ask for what lies in working trees.
func (c *checker) lookGit(ctx context.Context, a *area) {
	out, err := exec.CommandContext(ctx, "git", "--version").Output()
	if err != nil {
		a.warn("install git: commands such as tidelock diff ask it for credentials, and LFS and hooks of commits need it", "git does not run: %v", err)
		return
	}
	a.ok("%s", strings.TrimSpace(string(out)))
}
