// Command tidelock gets what is in Git onto Kubernetes, secrets included. It is
// the in-cluster agent, the command line and the host of its own plugins.
//
// One file per subcommand. Data goes to stdout, talk to stderr.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	_ "time/tzdata" // the image has no time zones

	"github.com/spf13/cobra"
)

// Exit statuses, of all subcommands.
const (
	exitOK    = 0
	exitError = 1 // what was asked for failed
	exitUsage = 2 // the command line is wrong
	// exitTimeout: what was waited for did not come in time.
	exitTimeout = 3
)

// Exit statuses of the commands that answer a question: as those of diff.
const (
	exitDiffers = 1 // there is something to be told
	exitUnknown = 2 // it cannot be told, or the command line is wrong
)

func main() { os.Exit(run()) }

// run returns the exit status.
func run() int {
	_ = noCores() // of each command, for it may hold secrets; the agent warns
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newRootCommand()
	if filepath.Base(os.Args[0]) == completesKubectl {
		root.SetArgs(append([]string{cobra.ShellCompRequestCmd}, os.Args[1:]...))
	}
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	var status *exitStatus
	if errors.As(err, &status) && status.err == nil {
		return status.code
	}
	report(os.Stderr, err)
	var usage *usageError
	if errors.As(err, &usage) {
		fmt.Fprintf(os.Stderr, "hint: %s --help\n", usage.command)
		return exitUsage
	}
	if status != nil {
		return status.code
	}
	return exitError
}

// An exitStatus is an error with an exit status of its own. Without an error it
// is an answer, of which nothing is to be reported.
type exitStatus struct {
	code int
	err  error
}

func (e *exitStatus) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.code)
	}
	return e.err.Error()
}
func (e *exitStatus) Unwrap() error { return e.err }

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:         "tidelock",
		Annotations: invokedAs(os.Args[0]),
		Short:       "Get what is in Git onto Kubernetes, secrets included",
		Long: `Tidelock is a GitOps agent that treats secrets as a stage of its pipeline, and
the same pipeline for a laptop.

Exit status: 0 success, 1 failure, 2 wrong use, 3 not within --timeout. Those
that answer a question, such as diff, plan, why and secrets scan: 0 nothing,
1 something, 2 it cannot be told.`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return &usageError{cmd.CommandPath(), err} })
	root.AddCommand(
		newAffectedCommand(),
		newAgentCommand(),
		newSetupCheckCommand(),
		newClustersCommand(),
		newDiffCommand(),
		newGetCommand(),
		newReplicasCommand(),
		newHistoryCommand(),
		newInitCommand(),
		newInstallCommand(),
		newMigrateCommand(),
		newNotificationsCommand(),
		newPlanCommand(),
		newPluginCommand(),
		newPromoteCommand(),
		newRenderCommand(),
		newRollbackCommand(),
		newSecretsCommand(),
		newSetCommand(),
		newSetsCommand(),
		newSupportBundleCommand(),
		newSyncCommand(),
		newTerminateCommand(),
		newValidateCommand(),
		newVersionCommand(),
		newWaitCommand(),
		newWhyCommand(),
		newWindowsCommand(),
	)
	return root
}

// Names of the program by which kubectl calls it: as its plugin, and to complete
// the plugin's command line.
const (
	pluginOfKubectl  = "kubectl-tidelock"
	completesKubectl = "kubectl_complete-tidelock"
)

// invokedAs makes usage texts name the program as it was called: as a plugin of
// kubectl, it is kubectl tidelock.
func invokedAs(program string) map[string]string {
	if filepath.Base(program) != pluginOfKubectl {
		return nil
	}
	return map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl tidelock"}
}

// A usageError is a wrong command line.
type usageError struct {
	command string
	err     error
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func isUsage(err error) bool {
	var usage *usageError
	return errors.As(err, &usage)
}

// usage makes the errors of an argument check usage errors.
func usage(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return &usageError{cmd.CommandPath(), err}
		}
		return nil
	}
}
