package main

import (
	"encoding/json"
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
			op := app.Status.OperationState
			body := map[string]any{"metadata": map[string]any{"resourceVersion": app.ResourceVersion}}
			switch {
			case op != nil && !op.Phase.Completed():
				body["status"] = map[string]any{"operationState": map[string]any{"phase": api.OperationTerminating}}
			case app.Operation != nil:
				body["operation"] = nil
			default:
				return fmt.Errorf("no operation of %s runs: %s", args[0], operationText(app, time.Now()))
			}
			patch, err := json.Marshal(body)
			if err != nil {
				return err
			}
			if err := r.patch(cmd.Context(), app, patch); err != nil {
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
