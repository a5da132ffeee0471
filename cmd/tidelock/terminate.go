package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/agent/api"
)

type terminateOptions struct {
	console
	outcomeOptions
	timeout time.Duration
}

func newTerminateCommand() *cobra.Command {
	var o terminateOptions
	cmd := &cobra.Command{
		Use:   "terminate APP",
		Short: "End the operation that runs",
		Long: `End the operation of an Application that runs, waits for its next try, or is
asked for. Hooks that run are deleted; what was applied stays.

Exit status: 0 it has ended, 1 failure, or none runs, 2 wrong use, 3 it has not
ended within --timeout.` + outcomeHelp,
		Example: `  tidelock terminate shop
  tidelock terminate shop --timeout 1m -o json | jq -r .operationState.message`,
		Args:              usage(cobra.ExactArgs(1)),
		ValidArgsFunction: o.completeApplications(false),
		RunE: o.one(&o.console, func(ctx context.Context, args []string, s *screen, out *outcome) error {
			r, err := o.connect()
			if err != nil {
				return err
			}
			return o.run(ctx, r, args[0], s, out)
		}),
	}
	o.flags(cmd)
	o.outcomeFlag(cmd)
	cmd.Flags().DurationVar(&o.timeout, "timeout", 0, "how long to wait for the end; 0 is for ever")
	return cmd
}

func (o *terminateOptions) run(ctx context.Context, r *remote, arg string, s *screen, out *outcome) error {
	app, err := r.application(ctx, arg)
	if err != nil {
		return err
	}
	out.saw(app)
	var running *api.OperationState // nil if the agent has not begun what is asked for
	err = r.change(ctx, app, func(app *api.Application) (body map[string]any, err error) {
		body, running, err = termination(app)
		return body, err
	})
	if err != nil {
		return err
	}
	ctx, cancel := within(ctx, o.timeout)
	defer cancel()
	err = r.follow(ctx, app, func(now *api.Application) (bool, error) {
		out.saw(now)
		if now != nil && running != nil && now.Status.OperationState != nil && now.Status.OperationState.StartedAt.Equal(&running.StartedAt) {
			out.op = now.Status.OperationState
		}
		if now == nil || atRest(now) {
			s.line("the operation has ended")
			return true, nil
		}
		s.state("waiting for the agent")
		return false, nil
	})
	s.clear()
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return &exitStatus{exitTimeout, fmt.Errorf("%w after %s: the agent has been told to end the operation of %s, and has not done so", errTimeout, o.timeout, app.Name)}
	case ctx.Err() != nil:
		return fmt.Errorf("%w: the agent has been told to end the operation of %s", errInterrupted, app.Name)
	}
	return err
}

// atRest says that no operation runs, and that none is asked for.
func atRest(app *api.Application) bool {
	op := app.Status.OperationState
	return app.Operation == nil && (op == nil || op.Phase.Completed())
}

// termination is the change that ends an Application's operation, and the
// operation, if it has begun.
func termination(app *api.Application) (map[string]any, *api.OperationState, error) {
	op := app.Status.OperationState
	switch {
	case op != nil && !op.Phase.Completed():
		return map[string]any{"status": map[string]any{"operationState": map[string]any{"phase": api.OperationTerminating}}}, op, nil
	case app.Operation != nil:
		return map[string]any{"operation": nil}, nil, nil
	}
	return nil, nil, fmt.Errorf("no operation of %s runs: %s", app.Name, operationText(app, time.Now()))
}
