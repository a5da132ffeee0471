package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/agent/api"
	"golang.org/x/sync/errgroup"
)

type waitOptions struct {
	console
	outcomeOptions
	selector  string
	sync      bool
	health    bool
	operation bool
	suspended bool
	deleted   bool
	timeout   time.Duration
}

func newWaitCommand() *cobra.Command {
	var o waitOptions
	cmd := &cobra.Command{
		Use:   "wait {APP... | -l SELECTOR}",
		Short: "Wait until Applications are as they should be",
		Long: `Wait until Applications are Synced, Healthy and no operation runs, or until what
is given of these holds, and show how it goes.

Exit status: 0 it is so, 1 it cannot come so, or failure, 2 wrong use, 3 it was
not so within --timeout.` + outcomeHelp + `
It is a list of these for several Applications, and with a selector. The operation
that is meant is the last one.`,
		Example: `  tidelock wait shop
  tidelock wait -l team=shop --health --timeout 10m
  tidelock wait shop --delete
  tidelock wait web db -o json | jq -r '.[] | select(.result != "succeeded") | .error'`,
		Args:              usage(cobra.ArbitraryArgs),
		ValidArgsFunction: o.completeApplications(true),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return &usageError{cmd.CommandPath(), err}
			}
			if len(args) == 0 == (o.selector == "") {
				return &usageError{cmd.CommandPath(), errors.New("give Applications, or a selector")}
			}
			all, err := o.run(cmd.Context(), args, o.screen(cmd))
			if len(args) == 1 {
				return o.tell(cmd.OutOrStdout(), all[0].shown(), err)
			}
			return o.tell(cmd.OutOrStdout(), shownOutcomes(all), err)
		},
	}
	o.flags(cmd)
	o.outcomeFlag(cmd)
	f := cmd.Flags()
	f.StringVarP(&o.selector, "selector", "l", "", "label `SELECTOR`")
	f.BoolVar(&o.sync, "sync", false, "until Synced")
	f.BoolVar(&o.health, "health", false, "until Healthy")
	f.BoolVar(&o.operation, "operation", false, "until no operation runs")
	f.BoolVar(&o.suspended, "suspended", false, "until Suspended, which --health takes for well, too")
	f.BoolVar(&o.deleted, "delete", false, "until it is gone")
	f.DurationVar(&o.timeout, "timeout", 0, "how long; 0 is for ever")
	return cmd
}

// run waits for the Applications that are meant, and returns what came of each.
func (o *waitOptions) run(ctx context.Context, args []string, s *screen) ([]*outcome, error) {
	if !o.sync && !o.health && !o.operation && !o.suspended && !o.deleted {
		o.sync, o.health, o.operation = true, true, true
	}
	all := make([]*outcome, len(args))
	for i, arg := range args {
		all[i] = o.outcome(arg)
	}
	r, err := o.connect()
	if err == nil {
		all, err = o.chosen(ctx, r, all)
	}
	if err != nil {
		for _, out := range all {
			if out.err == nil {
				out.err = fmt.Errorf("not waited for: %w", err)
			}
		}
		return all, err
	}
	return all, o.await(ctx, r, all, s)
}

// await waits for all of them.
func (o *waitOptions) await(ctx context.Context, r *remote, all []*outcome, s *screen) error {
	bounded, cancel := within(ctx, o.timeout)
	defer cancel()
	shared := &together{screen: s}
	late := make([]string, len(all))
	var g errgroup.Group
	for i, out := range all {
		prefix := ""
		if len(all) > 1 {
			prefix = out.name + ": "
		}
		g.Go(func() error {
			late[i] = o.follow(bounded, r, out, shared, prefix)
			return nil
		})
	}
	_ = g.Wait() // each outcome has its own error
	shared.clear()
	return o.verdict(ctx, all, late)
}

// verdict gives those that are late their errors, and returns that of the whole.
func (o *waitOptions) verdict(ctx context.Context, all []*outcome, late []string) error {
	why := fmt.Errorf("%w after %s", errTimeout, o.timeout)
	if ctx.Err() != nil {
		why = errInterrupted
	}
	var failed failures
	for i, out := range all {
		switch {
		case out.err != nil:
			failed = append(failed, out.err)
		case late[i] != "":
			out.err = fmt.Errorf("%w: %s", why, late[i])
		}
	}
	awaited := strings.Join(nonEmpty(late), "; ")
	if awaited != "" {
		why = fmt.Errorf("%w: %s", why, awaited)
	}
	switch {
	case failed != nil && awaited != "":
		return append(failed, why)
	case failed != nil:
		return failed
	case awaited == "":
		return nil
	case errors.Is(why, errInterrupted):
		return why
	}
	return &exitStatus{exitTimeout, why}
}

func nonEmpty(texts []string) (all []string) {
	for _, text := range texts {
		if text != "" {
			all = append(all, text)
		}
	}
	return all
}

// together lets several Applications tell on one screen.
type together struct {
	*screen
	mu sync.Mutex // guards the screen
}

// chosen are the Applications that are meant. They have to be there, unless it is
// waited until they are gone.
func (o *waitOptions) chosen(ctx context.Context, r *remote, named []*outcome) ([]*outcome, error) {
	if o.selector != "" {
		list, err := r.applications(ctx, false, o.selector)
		all := make([]*outcome, len(list))
		for i := range list {
			all[i] = &outcome{namespace: list[i].Namespace, name: list[i].Name, app: &list[i]}
		}
		if err == nil && len(all) == 0 {
			err = fmt.Errorf("no Application in namespace %s matches %s", r.namespace, o.selector)
		}
		return all, err
	}
	if o.deleted {
		return named, nil
	}
	for _, out := range named {
		app, err := r.application(ctx, out.namespace+"/"+out.name)
		if out.err = err; err != nil {
			return named, err
		}
		out.saw(app)
	}
	return named, nil
}

// follow waits for one Application, and returns what it lacks at the end.
func (o *waitOptions) follow(ctx context.Context, r *remote, out *outcome, s *together, prefix string) (lacks string) {
	p := newProgress(s.screen, prefix)
	app := &api.Application{}
	app.Namespace, app.Name = out.namespace, out.name
	lacks = app.Namespace + "/" + app.Name + ": the API server has not told of it"
	err := r.follow(ctx, app, func(now *api.Application) (bool, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if out.saw(now); now == nil {
			lacks = ""
			if !o.deleted {
				out.err = fmt.Errorf("application %s/%s is gone", app.Namespace, app.Name)
				return true, nil
			}
			p.line("%s/%s is gone", app.Namespace, app.Name)
			return true, nil
		}
		out.op = now.Status.OperationState
		running := out.op != nil && !out.op.Phase.Completed()
		if running {
			p.operation(now)
		}
		lacks = o.lacks(now)
		switch {
		case lacks == "":
			p.line("%s/%s is %s, %s", now.Namespace, now.Name, p.tint(string(now.Status.Sync.Status)), p.tint(string(now.Status.Health.Status)))
		case running:
			p.state("%s", lacks)
		default:
			p.awaits(lacks)
		}
		return lacks == "", nil
	})
	if err != nil && ctx.Err() == nil {
		out.err, lacks = err, ""
	}
	return lacks
}

// lacks says what of an Application is not yet as it is waited for.
func (o *waitOptions) lacks(app *api.Application) string {
	name := app.Namespace + "/" + app.Name
	health := app.Status.Health
	switch {
	case o.deleted:
		return name + " is not gone"
	case o.operation && !atRest(app):
		return name + ": " + operationText(app, time.Now())
	case o.sync && app.Status.Sync.Status != api.SyncCodeSynced:
		return fmt.Sprintf("%s is %s: %s", name, orDash(string(app.Status.Sync.Status)), trouble(app))
	case o.suspended && health.Status == api.HealthSuspended:
		return ""
	case (o.health || o.suspended) && (health.Status != api.HealthHealthy || !o.health):
		return fmt.Sprintf("%s is %s: %s", name, orDash(string(health.Status)), health.Message)
	}
	return ""
}
