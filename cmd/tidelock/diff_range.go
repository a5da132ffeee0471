package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/blast"
	"github.com/tidelock-io/tidelock/agent/pipeline"
	"github.com/tidelock-io/tidelock/agent/window"
)

// rangeOptions are those of diff between two commits.
type rangeOptions struct {
	affectedOptions
	from    string
	apps    []string
	maxSize int
	color   string
	now     time.Time
}

// Flags of diff that are of one of its forms only.
var (
	rangeFlags = []string{"app", "filename", "repo", "kube-version", "api-versions", valuesFlag, "max-size", "from", "cache-dir", "no-cache", "parallel", "cluster", "clusters", "new-git-file-globbing"}
	liveFlags  = []string{"kubeconfig", "context", "namespace", "sealed-secrets-namespace", "revision", "prune", "resource"}
)

func (o *rangeOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.from, "from", "", "`COMMIT` to compare with the files on disk, in the place of A..B")
	f.StringArrayVar(&o.apps, "app", nil, "`APP` to look at, of those that the commits touch; may be given several times")
	f.StringArrayVarP(&o.files, "filename", "f", nil, "`FILE` with Applications, instead of those in the repository")
	f.StringArrayVar(&o.repos, "repo", nil, "`[URL=]DIR` of the repository; without URL it stands in for any")
	f.StringVar(&o.kubeVersion, "kube-version", defaultKubeVersion, "version of the destination cluster, for renderers that ask")
	f.StringSliceVar(&o.apiVersions, "api-versions", nil, "API versions of the destination cluster, for renderers that ask")
	f.StringArrayVar(&o.values, valuesFlag, nil, valuesHelp)
	o.cache.flags(f)
	o.sets.flags(f)
	o.jobsFlag(f)
	f.IntVar(&o.maxSize, "max-size", blast.DefaultSize, "how many bytes -o markdown may be long")
}

// aRange is what names commits, and cannot name an Application.
var aRange = regexp.MustCompile(`\.\.|[~^@{A-Z]`)

// spanOf is the range that a command line is about; false if it is about a cluster.
func (o *rangeOptions) spanOf(args []string) (string, bool) {
	switch {
	case o.from != "":
		return o.from, true
	case len(args) == 1 && aRange.MatchString(args[0]):
		return args[0], true
	}
	return "", false
}

// check says what does not go together.
func (o *rangeOptions) check(cmd *cobra.Command, args []string) error {
	switch {
	case o.from != "" && len(args) > 0:
		return errors.New("--from compares a commit with the files on disk: leave out " + args[0] + ", or write A..B")
	case o.from != "" && strings.Contains(o.from, ".."):
		return errors.New("--from takes one commit: give " + o.from + " without it")
	case len(o.repos) > 1:
		return errors.New("--repo: a range is of one repository")
	case o.maxSize < 2000:
		return errors.New("--max-size: give 2000 or more")
	}
	for _, name := range liveFlags {
		if cmd.Flags().Changed(name) {
			return fmt.Errorf("--%s is about a cluster, and A..B is not", name)
		}
	}
	return errors.Join(o.jobs(), checkOutput(o.output, "name", "json", "yaml", "markdown"), checkColour(o.color))
}

// checkLive says which flags are not of a comparison with a cluster.
func checkLive(cmd *cobra.Command, output string) error {
	for _, name := range rangeFlags {
		if cmd.Flags().Changed(name) {
			return fmt.Errorf("--%s is about commits: give A..B, not an Application", name)
		}
	}
	if output == "markdown" {
		return errors.New("-o markdown is about commits: give A..B, not an Application")
	}
	return nil
}

// runDiffRange says whether there are differences. That some Application cannot be
// compared is an error after the others have been told of.
func runDiffRange(ctx context.Context, o rangeOptions, out, talk io.Writer) (bool, error) {
	defer unhurried()()
	talk = newScreen(talk)
	radius, err := o.radius(ctx, talk)
	if err != nil {
		return false, err
	}
	return o.told(out, radius)
}

// told prints a radius, and says whether there is anything in it.
func (o *rangeOptions) told(out io.Writer, radius *blast.Radius) (bool, error) {
	if err := o.print(out, radius); err != nil {
		return false, err
	}
	for _, a := range radius.Applications {
		if a.Failed != "" {
			return true, fmt.Errorf("%s cannot be compared: %s", a.ID(), oneLine(a.Failed))
		}
	}
	return radius.Differs(), nil
}

// radius compares the Applications that the commits touch.
func (o *rangeOptions) radius(ctx context.Context, talk io.Writer) (*blast.Radius, error) {
	in, repo, err := o.repository()
	if err != nil {
		return nil, err
	}
	span, err := parseRange(repo, o.span)
	if err != nil {
		return nil, err
	}
	e, err := newComparison(o.affectedOptions, in, repo, span, talk)
	if err != nil {
		return nil, err
	}
	defer e.close()
	touched, err := e.affected(ctx, o.affectedOptions, in, talk)
	if err != nil {
		return nil, err
	}
	if err := o.known(in.applications); err != nil {
		return nil, err
	}
	pairs, err := e.pairs(ctx, touched, talk)
	if err != nil {
		return nil, err
	}
	radius := blast.Of(pairs, o.now)
	if len(o.apps) > 0 {
		radius.Only(func(namespace, name string) bool {
			return slices.ContainsFunc(o.apps, func(asked string) bool { return isCalled(asked, namespace, name) })
		})
	}
	return radius, nil
}

// known is an error if an Application is asked for that is none.
func (o *rangeOptions) known(all []*api.Application) error {
	for _, asked := range o.apps {
		if !slices.ContainsFunc(all, func(a *api.Application) bool { return isCalled(asked, a.Namespace, a.Name) }) {
			return fmt.Errorf("--app %s: neither commit states such an Application", asked)
		}
	}
	return nil
}

// isCalled says that somebody means an Application: by its name, or with its namespace.
func isCalled(asked, namespace, name string) bool {
	return asked == name || asked == namespace+"/"+name
}

// pairs renders each Application at both ends.
func (e *comparison) pairs(ctx context.Context, touched []affected, talk io.Writer) ([]blast.Pair, error) {
	pairs := make([]blast.Pair, len(touched))
	progress := newScreen(talk).headway("rendered at both ends", len(touched))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(e.parallel)
	for i := range touched {
		g.Go(func() error {
			pairs[i] = e.pair(ctx, &touched[i])
			progress.one()
			return ctx.Err()
		})
	}
	err := g.Wait()
	progress.end()
	for i := range pairs {
		e.schedule(&pairs[i], talk)
	}
	return pairs, err
}

func (e *comparison) pair(ctx context.Context, a *affected) (p blast.Pair) {
	for _, end := range []struct {
		app  *api.Application
		line *pipeline.Pipeline
		to   *blast.End
		when string
	}{{a.was.app, e.before, &p.Before, "before"}, {a.is.app, e.after, &p.After, "after"}} {
		if end.app == nil {
			continue
		}
		end.to.App = end.app
		rendered, err := end.line.Desired(ctx, end.app, nil)
		if err != nil {
			p.Failed = end.when + " the change it cannot be rendered: " + err.Error()
			continue
		}
		end.to.Set = rendered.Set
	}
	if a.was.object != nil && a.is.object != nil && a.was.object.Hash() != a.is.object.Hash() {
		p.Settings = blast.Settings(a.was.object, a.is.object)
	}
	return p
}

// schedule finds the windows of the Application's project.
func (e *comparison) schedule(p *blast.Pair, talk io.Writer) {
	app := p.After.App
	if app == nil {
		return
	}
	project := e.projects[app.Spec.ProjectName()]
	if project == nil {
		return
	}
	schedule, err := window.Compile(project.Spec.SyncWindows)
	if err != nil {
		fmt.Fprintf(talk, "warning: AppProject %s: %v; no sync of its Applications begins\n", project.Name, err)
		return
	}
	p.Windows = schedule.For(window.TargetOf(app))
}

func (o *rangeOptions) print(out io.Writer, r *blast.Radius) error {
	switch o.output {
	case "json", "yaml":
		return encode(out, o.output, r)
	case "markdown":
		_, err := io.WriteString(out, r.Markdown(o.maxSize))
		return err
	case "name":
		for _, a := range r.Applications {
			fmt.Fprintln(out, a.ID())
		}
		return nil
	}
	newRadiusText(newScreen(out).colour(o.color)).print(r)
	return nil
}
