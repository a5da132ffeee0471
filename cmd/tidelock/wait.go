package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/agent/api"
	"golang.org/x/sync/errgroup"
)

type waitOptions struct {
	console
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
not so within --timeout.`,
		Example: `  tidelock wait shop
  tidelock wait -l team=shop --health --timeout 10m
  tidelock wait shop --delete`,
		Args:              usage(cobra.ArbitraryArgs),
		ValidArgsFunction: o.completeApplications(true),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 == (o.selector == "") {
				return &usageError{cmd.CommandPath(), errors.New("give Applications, or a selector")}
			}
			r, err := o.connect()
			if err != nil {
				return err
			}
			return o.run(cmd.Context(), r, args, cmd.OutOrStdout())
		},
	}
	o.flags(cmd)
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

func (o *waitOptions) run(ctx context.Context, r *remote, args []string, out io.Writer) error {
	if !o.sync && !o.health && !o.operation && !o.suspended && !o.deleted {
		o.sync, o.health, o.operation = true, true, true
	}
	apps, err := o.chosen(ctx, r, args)
	if err != nil {
		return err
	}
	bounded, cancel := within(ctx, o.timeout)
	defer cancel()
	shared := &together{screen: newScreen(out)}
	late := make([]string, len(apps))
	var g errgroup.Group
	for i, app := range apps {
		prefix := ""
		if len(apps) > 1 {
			prefix = app.Name + ": "
		}
		g.Go(func() (err error) {
			late[i], err = o.await(bounded, r, app, shared, prefix)
			return err
		})
	}
	err = g.Wait()
	shared.clear()
	if bounded.Err() == nil {
		return err
	}
	awaited := strings.Join(nonEmpty(late), "; ")
	if ctx.Err() != nil {
		return fmt.Errorf("interrupted: %s", awaited)
	}
	return &exitStatus{exitTimeout, fmt.Errorf("%w after %s: %s", errTimeout, o.timeout, awaited)}
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

func (o *waitOptions) chosen(ctx context.Context, r *remote, args []string) (apps []*api.Application, err error) {
	if o.selector != "" {
		list, err := r.applications(ctx, false, o.selector)
		for i := range list {
			apps = append(apps, &list[i])
		}
		if err == nil && len(apps) == 0 {
			err = fmt.Errorf("no Application in namespace %s matches %s", r.namespace, o.selector)
		}
		return apps, err
	}
	for _, arg := range args {
		app := &api.Application{}
		app.Namespace, app.Name = r.at(arg)
		if !o.deleted {
			if app, err = r.application(ctx, arg); err != nil {
				return nil, err
			}
		}
		apps = append(apps, app)
	}
	return apps, nil
}

// await waits for one Application, and returns what it lacks at the end.
func (o *waitOptions) await(ctx context.Context, r *remote, app *api.Application, s *together, prefix string) (lacks string, err error) {
	p := newProgress(s.screen, prefix)
	err = r.follow(ctx, app, func(now *api.Application) (bool, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		switch {
		case now == nil && o.deleted:
			lacks = ""
			p.line("%s/%s is gone", app.Namespace, app.Name)
			return true, nil
		case now == nil:
			return true, fmt.Errorf("application %s/%s is gone", app.Namespace, app.Name)
		}
		op := now.Status.OperationState
		running := op != nil && !op.Phase.Completed()
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
	return lacks, err
}

// lacks says what of an Application is not yet as it is waited for.
func (o *waitOptions) lacks(app *api.Application) string {
	name := app.Namespace + "/" + app.Name
	health := app.Status.Health
	op := app.Status.OperationState
	switch {
	case o.deleted:
		return name + " is not gone"
	case o.operation && (app.Operation != nil || op != nil && !op.Phase.Completed()):
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
