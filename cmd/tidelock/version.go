package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/cmd/release"
)

func newVersionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "tidelock %s %s %s/%s\n", release.Text(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}
