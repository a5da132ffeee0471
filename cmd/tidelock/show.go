package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/agent/api"
)

// showOptions are those of the commands that show what a sync would change: diff
// and plan.
type showOptions struct {
	lookOptions
	output string
	color  string
}

// A view is what such a command makes of its look.
type view struct {
	outputs []string // values of -o, beside the empty one
	print   func(out io.Writer, l *look) error
	said    []api.ConditionType // what print says; all else is said on stderr
	// answer says whether there is something to be told. Its error is that this
	// cannot be told.
	answer func(l *look) (something bool, err error)
}

// shows makes a command show a view.
func (o *showOptions) shows(cmd *cobra.Command, v view) {
	cmd.Args = usage(cobra.ExactArgs(1))
	cmd.ValidArgsFunction = o.completeApplications(false)
	cmd.RunE = answer(func(ctx context.Context, cmd *cobra.Command, args []string) (bool, error) {
		if err := o.check(v.outputs); err != nil {
			return false, &usageError{cmd.CommandPath(), err}
		}
		r, err := o.connect()
		if err != nil {
			return false, err
		}
		l, err := o.look(ctx, r, args[0], cmd.ErrOrStderr())
		if err != nil {
			return false, err
		}
		if err := v.print(cmd.OutOrStdout(), l); err != nil {
			return false, err
		}
		l.tell(cmd.ErrOrStderr(), v.said...)
		return v.answer(l)
	})
	o.lookFlags(cmd)
	o.syncFlags(cmd)
	addOutputFlag(cmd, &o.output, "text", v.outputs...)
	addColourFlag(cmd, &o.color)
}

func (o *showOptions) check(outputs []string) error {
	if err := checkOutput(o.output, outputs...); err != nil {
		return err
	}
	for _, text := range o.resources {
		if _, err := parseResource(text); err != nil {
			return err
		}
	}
	return checkColour(o.color)
}
