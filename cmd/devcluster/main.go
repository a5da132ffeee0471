package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/component-base/version"
)

// Exit statuses of every subcommand.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

const rootHelp = `devcluster runs a real Kubernetes control plane on this machine, for development
and tests: etcd, kube-apiserver, kube-controller-manager and a simulated node.

Exit status: 0 done, or stopped by SIGINT or SIGTERM; 1 failed; 2 wrong usage.`

const rootExample = `  devcluster up --dir /tmp/dev &
  kubectl --kubeconfig /tmp/dev/kubeconfig get namespaces
  devcluster dump --dir /tmp/dev | grep -a password
  kill %1`

// usageError is a mistake on the command line.
type usageError struct{ error }

func main() {
	os.Exit(run(os.Args[1:]))
}

// run executes one command line and returns its exit status.
func run(args []string) int {
	root := rootCommand()
	root.SetArgs(args)
	err := root.Execute()
	if err == nil {
		return exitOK
	}
	fmt.Fprintln(os.Stderr, "devcluster:", err)
	if errors.As(err, new(usageError)) {
		return exitUsage
	}
	return exitFailed
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "devcluster",
		Short:         "A real Kubernetes control plane for development and tests",
		Long:          rootHelp,
		Example:       rootExample,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w (see %s --help)", err, cmd.CommandPath())}
	})
	root.AddCommand(upCommand(), dumpCommand(), versionCommand(), componentCommand())
	return root
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of Kubernetes",
		Args:  noArgs,
		Run: func(cmd *cobra.Command, _ []string) {
			v := version.Get()
			fmt.Fprintf(cmd.OutOrStdout(), "Kubernetes %s, %s, %s\n", v.GitVersion, v.GoVersion, v.Platform)
		},
	}
}

// noArgs refuses arguments that are no flags, and so mistyped subcommands too.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("unexpected argument %q (see %s --help)", args[0], cmd.CommandPath())}
	}
	return nil
}
