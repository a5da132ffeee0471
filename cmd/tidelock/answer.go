package main

import (
	"context"

	"github.com/spf13/cobra"
)

// answer runs a command that answers a question: whether there is something to
// be told is its exit status. An error is that it cannot be told.
func answer(run func(ctx context.Context, cmd *cobra.Command, args []string) (something bool, err error)) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		something, err := run(cmd.Context(), cmd, args)
		switch {
		case isUsage(err):
			return err
		case err != nil:
			return &exitStatus{exitUnknown, err}
		case something:
			return &exitStatus{code: exitDiffers}
		}
		return nil
	}
}
