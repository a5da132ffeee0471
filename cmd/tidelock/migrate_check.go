package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/readonly"
	"github.com/tidelock-io/tidelock/agent/reconcile"
	"github.com/tidelock-io/tidelock/agent/shadow"
)

type checkOptions struct {
	lookOptions
	reportView
	everywhere bool
	selector   string
	sets       bool
	dryRuns    bool
	refused    atomic.Int64
}

func newMigrateCheckCommand() *cobra.Command {
	var o checkOptions
	cmd := &cobra.Command{
		Use:   "check [APP...]",
		Short: "Compare Applications and ApplicationSets with what Argo CD says of them, once, from here",
		Long: `Take the steps that an agent takes, from here and once: render from Git, compare with
what is live, judge health; and set that beside the status that Argo CD has written of
the same Applications. Of each ApplicationSet its generators are asked, and what we
would make of it is set beside the Applications that it has. Nothing is installed, and
nothing is written: requests that would write do not leave the process.

It takes the rights to read what Argo CD reads: Applications, ApplicationSets and
AppProjects, the Secrets of repositories, clusters and generators, and what
Applications state. APP is NAME or NAMESPACE/NAME. With names or -l no ApplicationSets
are compared. What argocd-cmd-params-cm says of them counts as it does for the agent.

Exit status: 0 nothing differs but by design, 1 something differs or is pending, 2 it
cannot be told.`,
		Example: `  tidelock migrate check
  tidelock migrate check shop billing
  tidelock migrate check -A -o json > report.json

  # ask the API server by dry runs what a sync would change: takes the right to patch
  tidelock migrate check shop --dry-runs`,
		ValidArgsFunction: o.completeApplications(true),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(o.output, "json", "yaml"); err != nil {
				return &usageError{cmd.CommandPath(), err}
			}
			if len(args) > 0 && (o.everywhere || o.selector != "") {
				return &usageError{cmd.CommandPath(), errors.New("give names, or -A and -l")}
			}
			o.sets = o.sets && len(args) == 0 && o.selector == ""
			report, err := o.check(cmd.Context(), args, cmd.ErrOrStderr())
			if err != nil {
				return &exitStatus{exitUnknown, err}
			}
			return o.show(cmd.OutOrStdout(), report)
		},
	}
	o.lookFlags(cmd)
	f := cmd.Flags()
	f.BoolVarP(&o.everywhere, "all-namespaces", "A", false, "of all namespaces")
	f.StringVarP(&o.selector, "selector", "l", "", "label `SELECTOR` of Applications")
	f.BoolVar(&o.sets, "applicationsets", true, "compare ApplicationSets, too")
	f.BoolVar(&o.dryRuns, "dry-runs", false, "ask the API server by dry runs what a sync would change; else it is reckoned from what is live")
	o.reportFlags(cmd)
	return cmd
}

// check compares the Applications that are asked for.
func (o *checkOptions) check(ctx context.Context, args []string, talk io.Writer) (shadow.Report, error) {
	ctx, cancel := within(ctx, o.timeout)
	defer cancel()
	r, err := o.connect()
	if err != nil {
		return shadow.Report{}, err
	}
	r.cfg = o.guarded(r.cfg)
	apps, err := o.applications(ctx, r, args)
	if err != nil {
		return shadow.Report{}, err
	}
	sets, err := o.applicationSets(ctx, r)
	if err != nil {
		return shadow.Report{}, err
	}
	if len(apps)+len(sets) == 0 {
		return shadow.Report{}, fmt.Errorf("there are no Applications in namespace %s (hint: give another with -n, or -A)", r.namespace)
	}
	report, err := o.compare(ctx, r, apps, sets, talk)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("%w after %s: %w", errTimeout, o.timeout, err)
	}
	return report, err
}

// guarded has nothing written to a cluster.
func (o *checkOptions) guarded(cfg *rest.Config) *rest.Config {
	return readonly.Config(cfg, readonly.Guard{DryRuns: o.dryRuns, Refused: func(string) { o.refused.Add(1) }})
}

func (o *checkOptions) applications(ctx context.Context, r *remote, args []string) (apps []api.Application, err error) {
	if len(args) == 0 {
		return r.applications(ctx, o.everywhere, o.selector)
	}
	for _, arg := range args {
		app, err := r.application(ctx, arg)
		if err != nil {
			return nil, err
		}
		apps = append(apps, *app)
	}
	return apps, nil
}

// compare looks at ApplicationSets, and at Applications one by one, so that each may know
// of those before it.
func (o *checkOptions) compare(ctx context.Context, r *remote, apps []api.Application, sets []api.ApplicationSet, talk io.Writer) (shadow.Report, error) {
	log := slog.New(slog.NewTextHandler(talk, &slog.HandlerOptions{Level: slog.LevelError}))
	klog.SetSlogLogger(slog.New(slog.DiscardHandler)) // what the engine has to say is in its errors
	home := r.namespace
	if len(apps) > 0 {
		home = r.home(&apps[0])
	}
	e, notes, err := o.engineOf(ctx, r, home, log)
	if err != nil {
		return shadow.Report{}, err
	}
	defer e.close()
	e.beside, e.reckons = true, !o.dryRuns
	e.clusters.Guard = o.guarded
	reconciler, err := e.reconciler(r.cfg, e.renders(), reconcile.Config{Onlooker: true, Shadow: &reconcile.Shadow{}})
	if err != nil {
		return shadow.Report{}, err
	}
	for _, note := range notes {
		fmt.Fprintln(talk, "note:", oneLine(note))
	}
	waiting := newScreen(talk)
	defer waiting.clear()
	var compared []shadow.Application
	comparedSets, notes, err := o.compareSets(ctx, r, e, sets, waiting)
	if err != nil {
		return shadow.Report{}, err
	}
	waiting.clear()
	for _, note := range notes {
		fmt.Fprintln(talk, "note:", oneLine(note))
	}
	ctx, cancel := context.WithCancel(ctx)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return e.cluster.Run(ctx) })
	g.Go(func() error { return e.destinations.Run(ctx) })
	g.Go(func() error {
		defer cancel()
		for i := range apps {
			waiting.state("%d of %d: %s", i+1, len(apps), apps[i].Name)
			a, err := o.one(ctx, r, e, reconciler, &apps[i])
			if err != nil {
				return err
			}
			compared = append(compared, a)
		}
		return nil
	})
	if err := g.Wait(); err != nil {
		return shadow.Report{}, err
	}
	return shadow.NewReport(time.Now(), compared, comparedSets, o.refused.Load()), nil
}

// one compares one, as it is stored now: the look at those before it took its time.
func (o *checkOptions) one(ctx context.Context, r *remote, e *engine, reconciler *reconcile.Reconciler, app *api.Application) (shadow.Application, error) {
	now, err := e.store.(reader).Read(ctx, app.Namespace, app.Name)
	if err != nil {
		return shadow.Application{}, r.explain(ctx, "read what is to be compared", app.Name, err)
	}
	if err := e.await(ctx, now); err != nil {
		return shadow.Application{}, err
	}
	found := foundOf(reconciler.Observe(ctx, now))
	return shadow.Compare(now, found, shadow.Standing{Patience: e.settings.Settings().Patience()}), ctx.Err()
}

// A reader reads one Application and its project; agent.Applications does.
type reader interface {
	Read(ctx context.Context, namespace, name string) (*api.Application, error)
}
