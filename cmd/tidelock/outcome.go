package main

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/agent/api"
)

// outcomeOptions are those of the commands that change an Application, or wait
// for it: people see how it goes, programs how it has ended.
type outcomeOptions struct {
	output string
}

// outcomeHelp ends the help text of these commands.
const outcomeHelp = `

With -o json or yaml, how it goes is told on stderr, line by line, and stdout gets
one document at the end, whatever the end is: application, namespace, name, result
(succeeded, failed, timeout, interrupted, or requested with --async) and error;
sync, health, revisions and conditions as they were seen last; and operationState,
the operation that is meant, once it has begun: phase, message, revisions,
startedAt, finishedAt, retryCount, initiatedBy, and objects with group, kind,
namespace, name, wave, syncPhase, status, hookType, hookPhase and message.`

func (o *outcomeOptions) outcomeFlag(cmd *cobra.Command) {
	addOutputFlag(cmd, &o.output, "text", "json", "yaml")
}

func (o *outcomeOptions) check() error { return checkOutput(o.output, "json", "yaml") }

// screen is where it is told how it goes.
func (o *outcomeOptions) screen(cmd *cobra.Command) *screen {
	if o.output == "" {
		return newScreen(cmd.OutOrStdout())
	}
	return &screen{out: cmd.ErrOrStderr()}
}

// one runs a command about the Application that its first argument names, and
// prints its outcome.
func (o *outcomeOptions) one(c *console, run func(ctx context.Context, args []string, s *screen, out *outcome) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := o.check(); err != nil {
			return &usageError{cmd.CommandPath(), err}
		}
		out := c.outcome(args[0])
		out.err = run(cmd.Context(), args, o.screen(cmd), out)
		if isUsage(out.err) {
			return out.err
		}
		return o.tell(cmd.OutOrStdout(), out.shown(), out.err)
	}
}

// tell prints what programs are told, and returns how the command has ended.
func (o *outcomeOptions) tell(out io.Writer, value any, err error) error {
	if o.output == "" {
		return err
	}
	if printing := encode(out, o.output, value); err == nil {
		err = printing
	}
	return err
}

// An outcome is how a command about an Application has ended.
type outcome struct {
	namespace, name string
	app             *api.Application    // as it was seen last; nil if it never was, or is gone
	op              *api.OperationState // the operation that is meant, if it has begun
	requested       bool                // nobody waits for its end
	gone            bool
	err             error
}

// outcome is that of a command that has found out nothing yet.
func (c *console) outcome(arg string) *outcome {
	out := &outcome{}
	out.namespace, out.name = (&remote{namespace: c.namespace}).at(arg)
	return out
}

// saw takes note of an Application as it is now; nil if it is gone.
func (o *outcome) saw(app *api.Application) { o.app, o.gone = app, app == nil }

// An ending says in one word how a command has ended.
type ending string

const (
	endSucceeded   ending = "succeeded"
	endRequested   ending = "requested" // and its end is not waited for
	endFailed      ending = "failed"
	endTimeout     ending = "timeout"
	endInterrupted ending = "interrupted"
)

func (o *outcome) ending() ending {
	switch {
	case errors.Is(o.err, errTimeout):
		return endTimeout
	case errors.Is(o.err, errInterrupted):
		return endInterrupted
	case o.err != nil:
		return endFailed
	case o.requested:
		return endRequested
	}
	return endSucceeded
}
