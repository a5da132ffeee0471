package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/depend"
	"github.com/tidelock-io/tidelock/agent/keyring"
	"github.com/tidelock-io/tidelock/agent/settings"
	"github.com/tidelock-io/tidelock/agent/window"
)

type whyOptions struct {
	lookOptions
	status bool
	output string
	color  string
}

// whyTimeout is how long why waits for Git and the cluster: the status answers,
// too.
const whyTimeout = 30 * time.Second

func newWhyCommand() *cobra.Command {
	var o whyOptions
	cmd := &cobra.Command{
		Use:   "why APP",
		Short: "Say why an Application is as it is, and what it waits for",
		Long: `Say in sentences why an Application is out of sync: which fields of which objects,
who set them, and when; why nothing is done about it; what the running operation
awaits; who blocks, and until when: a sync window, another Application, a plan
that nobody has approved, a pause before the next try; which objects are not healthy; and what
ignoreDifferences hides by which rule.

Fields are told by the agent's own engine, run here with your own rights: see
'tidelock diff --help'. What these do not suffice for, or what Git does not answer
in time, is said, and the status alone is told then. When a failed revision is
tried anew is told by ConfigMap argocd-cm; flags of the agent are not known here.

Exit status: 0 it is Synced and Healthy, and there is nothing to tell, 1 there
is, 2 it cannot be told, or wrong use.`,
		Example: `  tidelock why shop
  tidelock why shop --status
  tidelock why shop -o json | jq '.reasons[] | select(.topic == "blocked")'`,
		Args:              usage(cobra.ExactArgs(1)),
		ValidArgsFunction: o.completeApplications(false),
	}
	cmd.RunE = answer(func(ctx context.Context, cmd *cobra.Command, args []string) (bool, error) {
		if err := errors.Join(checkOutput(o.output, "json", "yaml"), checkColour(o.color)); err != nil {
			return false, &usageError{cmd.CommandPath(), err}
		}
		r, err := o.connect()
		if err != nil {
			return false, err
		}
		w, err := o.find(ctx, r, args[0], cmd.ErrOrStderr())
		if err != nil {
			return false, err
		}
		report := w.report()
		return len(report.Reasons) > 0, o.print(cmd.OutOrStdout(), report)
	})
	o.lookFlags(cmd)
	cmd.Flags().Lookup("timeout").DefValue, o.timeout = whyTimeout.String(), whyTimeout
	f := cmd.Flags()
	f.BoolVar(&o.status, "status", false, "tell the status alone, and ask neither Git nor the objects")
	addOutputFlag(cmd, &o.output, "text", "json", "yaml")
	addColourFlag(cmd, &o.color)
	return cmd
}

// find gathers what there is to reason from. Only without the Application there
// is nothing.
func (o *whyOptions) find(ctx context.Context, r *remote, arg string, talk io.Writer) (*whys, error) {
	app, err := r.application(ctx, arg)
	if err != nil {
		return nil, err
	}
	w := &whys{app: app, now: time.Now()}
	w.rest, err = r.rest(ctx, app)
	w.note(err)
	w.windows, err = r.windowsOf(ctx, app)
	w.note(err)
	w.dependencies, err = r.dependencies(ctx, app)
	w.note(err)
	if o.status || app.DeletionTimestamp != nil {
		return w, nil
	}
	w.look, err = o.look(ctx, r, arg, talk)
	if err != nil {
		w.note(fmt.Errorf("what differs is told from the status alone: %w", err))
		return w, nil
	}
	for _, note := range w.look.notes {
		w.notes = append(w.notes, oneLine(note))
	}
	return w, nil
}

// windowsOf reads the sync windows that match an Application.
func (r *remote) windowsOf(ctx context.Context, app *api.Application) (*window.Windows, error) {
	p, err := r.projectOf(ctx, app)
	if err != nil {
		return nil, err
	}
	schedule, err := window.Compile(p.Spec.SyncWindows)
	if err != nil {
		return nil, fmt.Errorf("AppProject %s: %w", p.Name, err)
	}
	return schedule.For(window.TargetOf(app)), nil
}

// rest is how long a failed revision of an Application rests: as ConfigMap argocd-cm
// says. It is asked for only if that is so now.
func (r *remote) rest(ctx context.Context, app *api.Application) (time.Duration, error) {
	op := app.Status.OperationState
	if op == nil || op.Phase != api.OperationFailed || !app.Spec.SyncPolicy.IsAutomated() {
		return defaultRefresh, nil
	}
	data, err := keyring.ReadConfig(ctx, r.cfg, r.home(app), settings.ConfigMap)
	if errors.Is(err, keyring.ErrUnlabelled) {
		err = nil // the agent does not read it, either
	}
	if err != nil {
		err = fmt.Errorf("when a failed revision is tried anew is told as if nothing else were set: %w", err)
	}
	return settings.Read(data, nil).Pace(defaultRefresh).Rest, err
}

// A dependency is an Application that another one depends on.
type dependency struct {
	name string
	app  *api.Application // nil if it could not be read
	err  error
}

// dependencies reads the Applications that one depends on by its annotation.
func (r *remote) dependencies(ctx context.Context, app *api.Application) (all []dependency, err error) {
	names, err := depend.On(app)
	for _, name := range names[:min(len(names), maxDependencies)] {
		other, err := r.application(ctx, name.Namespace+"/"+name.Name)
		all = append(all, dependency{name.String(), other, err})
	}
	return all, err
}

// maxDependencies bounds how many Applications are read because one names them.
const maxDependencies = 50

func (o *whyOptions) print(out io.Writer, report whyReport) error {
	if o.output != "" {
		return encode(out, o.output, report)
	}
	printWhy(newScreen(out).colour(o.color), report, time.Now())
	return nil
}
