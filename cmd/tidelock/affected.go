package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	gogit "github.com/go-git/go-git/v5"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/agent/pipeline"
	"github.com/tidelock-io/tidelock/agent/registry"
	"github.com/tidelock-io/tidelock/render"
	"github.com/tidelock-io/tidelock/secrets/leak"
	"golang.org/x/sync/errgroup"
)

type affectedOptions struct {
	renderOptions
	span     string
	exitCode bool
	parallel int // 0 is as many as there are processors
}

// jobsFlag adds -j.
func (o *affectedOptions) jobsFlag(f *pflag.FlagSet) {
	f.IntVarP(&o.parallel, "parallel", "j", runtime.GOMAXPROCS(0), "how many are rendered at once")
}

// jobs is an error for none.
func (o *affectedOptions) jobs() error {
	if o.parallel < 1 {
		return errors.New("-j: give 1 or more")
	}
	return nil
}

func newAffectedCommand() *cobra.Command {
	var o affectedOptions
	cmd := &cobra.Command{
		Use:   "affected {A..B | A...B | A} [-f FILE...]",
		Short: "Say which Applications a range of commits touches, and why",
		Long: `Say which Applications a range of commits touches, and why.

Each Application is rendered at A. If one of the files that this read, listed,
or looked for in vain is another one at B, the commits touch it; a renderer's
files need not be declared. With A...B it is what B changed since it left A, with
A alone up to the files on disk.

Applications are those that the files of the repository state, at A or at B, those
that its ApplicationSets make there, and those of both that Applications, overlays
and charts of it render; or those of FILEs. Of their sources those that are in the repository move with the
range, whatever branch they follow; what follows a tag or a commit stays.

The repository is the work tree that you are in, or that of --repo.

Exit status: 0 success, 1 the input has an error, 2 wrong use. With --exit-code
0 nothing is touched, 1 an Application is, 2 it cannot be told.`,
		Example: `  # what a merge of this branch will touch
  tidelock affected origin/main...HEAD

  # what is not committed yet
  tidelock affected HEAD

  # for a script: render what the last commit touched
  tidelock affected HEAD~1..HEAD -o name`,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.span = args[0]
			if err := checkOutput(o.output, "name", "json", "yaml"); err != nil {
				return &usageError{cmd.CommandPath(), err}
			}
			if err := o.jobs(); err != nil {
				return &usageError{cmd.CommandPath(), err}
			}
			if len(o.repos) > 1 {
				return &usageError{cmd.CommandPath(), errors.New("--repo: a range is of one repository")}
			}
			run := func(ctx context.Context, cmd *cobra.Command, _ []string) (bool, error) {
				return runAffected(ctx, o, cmd.OutOrStdout(), cmd.ErrOrStderr())
			}
			if o.exitCode {
				return answer(run)(cmd, args)
			}
			_, err := run(cmd.Context(), cmd, args)
			return err
		},
	}
	f := cmd.Flags()
	f.StringArrayVarP(&o.files, "filename", "f", nil, "`FILE` with Applications, instead of those in the repository")
	f.StringArrayVar(&o.repos, "repo", nil, "`[URL=]DIR` of the repository; without URL it stands in for any")
	o.plugins.flags(f)
	o.cache.flags(f)
	o.jobsFlag(f)
	f.StringVar(&o.kubeVersion, "kube-version", defaultKubeVersion, "version of the destination cluster, for renderers that ask")
	f.StringSliceVar(&o.apiVersions, "api-versions", nil, "API versions of the destination cluster, for renderers that ask")
	f.StringArrayVar(&o.values, valuesFlag, nil, valuesHelp)
	o.sets.flags(f)
	f.BoolVar(&o.exitCode, "exit-code", false, "exit with 1 if an Application is touched")
	addOutputFlag(cmd, &o.output, "text", "name", "json", "yaml")
	return cmd
}

// An affected Application, and what of it the commits touch.
type affected struct {
	Namespace   string         `json:"namespace"`
	Application string         `json:"application"`
	Reasons     []string       `json:"reasons"`
	Inputs      []render.Stale `json:"inputs,omitempty"`
	// Failed is why it could not be rendered before.
	Failed string `json:"failed,omitempty"`

	was, is found
}

func runAffected(ctx context.Context, o affectedOptions, out, talk io.Writer) (touched bool, err error) {
	defer unhurried()()
	talk = newScreen(talk)
	in, repo, err := o.repository()
	if err != nil {
		return false, err
	}
	r, err := parseRange(repo, o.span)
	if err != nil {
		return false, err
	}
	e, err := newComparison(o, in, repo, r, talk)
	if err != nil {
		return false, err
	}
	defer e.close()
	list, err := e.affected(ctx, o, in, talk)
	if err != nil {
		return false, err
	}
	return len(list) > 0, printAffected(out, o.output, list)
}

// repository is the one that the range is of.
func (o *affectedOptions) repository() (*renderInput, *gogit.Repository, error) {
	in := &renderInput{named: true, dirs: map[string]string{}, alias: newGitUser().address}
	for _, repo := range o.repos {
		if err := in.standIn(repo); err != nil {
			return nil, nil, err
		}
	}
	dir := in.any
	for _, stand := range in.dirs {
		dir = stand
	}
	if dir == "" {
		in.worktrees = worktreesOf("./.")
		if len(in.worktrees) == 0 {
			return nil, nil, errors.New("this is no Git work tree: go into one, or name it with --repo")
		}
		dir = in.worktrees[0].root
		if len(in.worktrees[0].remotes) == 0 {
			in.any = dir // it can be nobody's but the Applications' own
		}
	}
	repo, err := gogit.PlainOpenWithOptions(dir, &gogit.PlainOpenOptions{DetectDotGit: true, EnableDotGitCommonDir: true})
	if err != nil {
		return nil, nil, fmt.Errorf("open repository %s: %w", dir, err)
	}
	in.root, in.dirs[git.Normalize(dir)] = dir, dir
	return in, repo, nil
}

// A comparison has the pipeline twice: at the one end of a range and at the other.
type comparison struct {
	before, after           *pipeline.Pipeline
	beforeFiles, afterFiles *fixedCommits
	beforeTree, afterTree   *git.Tree // of the repository
	parallel                int
	changed                 sync.Once
	changes                 *git.Changes               // between the trees; nil if they cannot be told
	projects                map[string]*api.AppProject // that it states in the end, by name
	repo                    func(url, project string) git.Repo
	close                   func()
}

func newComparison(o affectedOptions, in *renderInput, repo *gogit.Repository, r commitRange, talk io.Writer) (*comparison, error) {
	keys, err := newLocalKeys(nil)
	if err != nil {
		return nil, err
	}
	given, err := newLocalValues(o.values)
	if err != nil {
		return nil, err
	}
	log := slog.New(slog.NewTextHandler(talk, &slog.HandlerOptions{Level: slog.LevelWarn}))
	host, err := newHost(log, o.plugins)
	if err != nil {
		return nil, err
	}
	kept, err := o.cache.open(keptRendered, talk)
	if err != nil {
		return nil, errors.Join(err, host.Close())
	}
	files := &checkouts{find: func(url, _ string) (string, bool) { return in.checkout(url) }, log: log}
	artifacts := registry.NewStore(registry.Options{Log: log})
	parallel := o.parallel
	if parallel == 0 {
		parallel = runtime.GOMAXPROCS(0)
	}
	e := &comparison{repo: keys.Repo, parallel: parallel, close: func() {
		files.close()
		artifacts.Close()
		if err := errors.Join(host.Close(), closeShelf(kept)); err != nil {
			log.Warn("end the plugins", "error", err)
		}
	}}
	engine, stage := keptRenders(host, log, kept), newSecretsStage(host, keys)
	stays := memoized(func(revision string) bool { return pinned(repo, revision) })
	at := func(sha string) (*pipeline.Pipeline, *fixedCommits) {
		commits := &fixedCommits{checkouts: files, sha: sha, pinned: stays}
		return &pipeline.Pipeline{
			Namespace: localNamespace, Now: time.Now, Git: commits, Artifacts: artifacts, Render: engine, Keys: keys,
			Destination: offline{kubeVersion: o.kubeVersion, apiVersions: o.apiVersions}.of, Secrets: stage,
			Permit: permitAll, PermitSource: permitAnySource, Verify: verifyNothing, Vouch: vouchForAll,
			Known: &leak.Known{}, Values: given, PermitValues: permitAnyValues,
		}, commits
	}
	e.before, e.beforeFiles = at(r.from)
	e.after, e.afterFiles = at(r.to)
	return e, nil
}

// affected goes through the Applications by name.
func (e *comparison) affected(ctx context.Context, o affectedOptions, in *renderInput, talk io.Writer) ([]affected, error) {
	was, is, err := e.applications(ctx, o, in, talk)
	if err != nil {
		return nil, err
	}
	names := maps.Clone(was)
	maps.Copy(names, is)
	in.applications = nil
	for _, found := range slices.Concat(slices.Collect(maps.Values(was)), slices.Collect(maps.Values(is))) {
		in.applications = append(in.applications, found.app)
	}
	sorted := slices.Sorted(maps.Keys(names))
	all := make([]*affected, len(sorted))
	unread := e.newReach()
	progress := newScreen(talk).headway("looked at", len(sorted))
	defer progress.end()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(e.parallel)
	for i, name := range sorted {
		g.Go(func() (err error) {
			defer progress.one()
			if all[i], err = e.compare(ctx, was[name], is[name], unread); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var list []affected
	for i, a := range all {
		if len(a.Reasons) > 0 {
			a.was, a.is = was[sorted[i]], is[sorted[i]]
			list = append(list, *a)
		}
	}
	return list, nil
}

// applications returns those of both ends, by namespace and name.
func (e *comparison) applications(ctx context.Context, o affectedOptions, in *renderInput, talk io.Writer) (was, is map[string]found, err error) {
	if err := e.trees(ctx, in); err != nil {
		return nil, nil, err
	}
	var comparing errgroup.Group
	comparing.Go(func() error { e.between(); return nil })
	before, err := findStated(e.beforeTree)
	_ = comparing.Wait() // it has no error
	if err != nil {
		return nil, nil, err
	}
	after, err := before.at(e.between(), e.afterTree)
	if err != nil {
		return nil, nil, err
	}
	e.projects = after.projects
	if len(o.files) > 0 {
		return e.named(ctx, o, in, before, after, talk)
	}
	after.warn(talk)
	if err := e.discover(ctx, o.sets, in, before, after, talk); err != nil {
		return nil, nil, err
	}
	was, is = before.apps, after.apps
	if len(was) == 0 && len(is) == 0 {
		return nil, nil, errors.New("the repository states no Applications: name them with -f")
	}
	return was, is, nil
}

// named are the Applications of files, and what their ApplicationSets make at both ends.
func (e *comparison) named(ctx context.Context, o affectedOptions, in *renderInput, before, after *statements, talk io.Writer) (was, is map[string]found, err error) {
	for _, file := range o.files {
		if err := in.add(file, talk); err != nil {
			return nil, nil, err
		}
	}
	for _, end := range []*statements{before, after} {
		end.files, end.carriers = newRepositoryFiles(), nil
		for _, app := range in.applications {
			end.apps[app.Namespace+"/"+app.Name] = found{app: app}
		}
		end.files.stated = slices.Clone(in.sets)
	}
	err = e.discover(ctx, o.sets, in, before, after, talk)
	return before.apps, after.apps, err
}

// trees are the repository's at both ends.
func (e *comparison) trees(ctx context.Context, in *renderInput) (err error) {
	repo := git.Repo{URL: in.root}
	if e.beforeTree, err = e.beforeFiles.Tree(ctx, repo, e.beforeFiles.sha); err != nil {
		return err
	}
	e.afterTree, err = e.afterFiles.Tree(ctx, repo, e.afterFiles.sha)
	return err
}

// between is what differs in the repository; nil if it cannot be told, or not
// cheaply.
func (e *comparison) between() *git.Changes {
	e.changed.Do(func() {
		if changes, err := git.Compare(e.beforeTree, e.afterTree); err == nil {
			e.changes = changes
		}
	})
	return e.changes
}

// memoized asks once for each argument.
func memoized(ask func(string) bool) func(string) bool {
	var known sync.Map
	return func(of string) bool {
		answer, ok := known.Load(of)
		if !ok {
			answer, _ = known.LoadOrStore(of, ask(of))
		}
		return answer.(bool)
	}
}

// compare says what the range touches of one Application.
func (e *comparison) compare(ctx context.Context, was, is found, unread *reach) (*affected, error) {
	app := is.app
	if app == nil {
		app = was.app
	}
	a := &affected{Namespace: app.Namespace, Application: app.Name}
	switch {
	case is.app == nil:
		a.Reasons = []string{wentAway(was)}
		return a, nil
	case was.app == nil:
		a.Reasons = []string{fmt.Sprintf("the Application is new (%s)", is.place())}
		return a, nil
	case is.object != nil && was.object.Hash() != is.object.Hash():
		a.Reasons = append(a.Reasons, fmt.Sprintf("the Application changed (%s)", is.place()))
	}
	if unread.beyond(was.app) {
		return a, nil
	}
	stale, failed, err := e.before.Stale(ctx, was.app, e.after)
	if err != nil {
		return nil, err
	}
	a.Inputs = stale
	for _, s := range stale {
		a.Reasons = append(a.Reasons, s.String())
	}
	if failed != nil && len(a.Reasons) > 0 {
		a.Failed = failed.Error()
	}
	return a, nil
}

// wentAway says that an Application is not stated any more.
func wentAway(was found) string {
	if was.by != nil {
		return fmt.Sprintf("the Application is gone (ApplicationSet %s made it, %s)", was.by.Name, was.object.Origin)
	}
	return fmt.Sprintf("the Application is gone (it was in %s)", was.object.Origin)
}

// fixedCommits takes every branch of the checked out repository for one commit.
type fixedCommits struct {
	*checkouts
	sha    string // "" for the files on disk
	pinned func(revision string) bool
}

// ours says whether a revision moves with the range.
func (c *fixedCommits) ours(repo git.Repo, revision string) bool {
	_, ok := c.standsIn(repo.URL, revision)
	return ok && !c.pinned(revision)
}

// Known answers for what moves with the range.
func (c *fixedCommits) Known(repo git.Repo, revision string) (git.Answer, bool) {
	return git.Answer{SHA: c.sha}, c.ours(repo, revision)
}

// Resolve asks the repository, or the server, for what does not move.
func (c *fixedCommits) Resolve(ctx context.Context, repo git.Repo, revision string) (string, error) {
	dir, ok := c.standsIn(repo.URL, revision)
	if !ok {
		return c.fetch(ctx, repo, revision)
	}
	store, err := c.open()
	if err != nil {
		return "", err
	}
	return store.Resolve(ctx, standIn(dir, repo), revision)
}

// printAffected writes what was asked for.
func printAffected(out io.Writer, output string, list []affected) error {
	switch output {
	case "json", "yaml":
		return encode(out, output, list)
	case "name":
		for _, a := range list {
			fmt.Fprintln(out, a.Application)
		}
		return nil
	}
	for _, a := range list {
		fmt.Fprintf(out, "%s\n  %s\n", a.Application, strings.Join(a.Reasons, "\n  "))
		if a.Failed != "" {
			fmt.Fprintf(out, "  before, it could not be rendered: %s\n", a.Failed)
		}
	}
	return nil
}
