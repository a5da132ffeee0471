package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/agent/api"
)

func newTerminateCommand() *cobra.Command {
	var c console
	cmd := &cobra.Command{
		Use:   "terminate APP",
		Short: "End the operation that runs",
		Long: `End the operation of an Application that runs, waits for its next try, or is
asked for. Hooks that run are deleted; what was applied stays.

Exit status: 0 it has ended, 1 failure, or none runs, 2 wrong use.`,
		Example:           `  tidelock terminate shop`,
		Args:              usage(cobra.ExactArgs(1)),
		ValidArgsFunction: c.completeApplications(false),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := c.connect()
			if err != nil {
				return err
			}
			app, err := r.application(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if err := r.change(cmd.Context(), app, termination); err != nil {
				return err
			}
			s := newScreen(cmd.OutOrStdout())
			return r.follow(cmd.Context(), app, func(now *api.Application) (bool, error) {
				if now == nil || now.Operation == nil && (now.Status.OperationState == nil || now.Status.OperationState.Phase.Completed()) {
					s.line("the operation has ended")
					return true, nil
				}
				s.state("waiting for the agent")
				return false, nil
			})
		},
	}
	c.flags(cmd)
	return cmd
}

// termination is the change that ends an Application's operation.
func termination(app *api.Application) (map[string]any, error) {
	op := app.Status.OperationState
	switch {
	case op != nil && !op.Phase.Completed():
		return map[string]any{"status": map[string]any{"operationState": map[string]any{"phase": api.OperationTerminating}}}, nil
	case app.Operation != nil:
		return map[string]any{"operation": nil}, nil
	}
	return nil, fmt.Errorf("no operation of %s runs: %s", app.Name, operationText(app, time.Now()))
}
