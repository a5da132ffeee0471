package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/agent/migrate"
)

type migrateOptions struct {
	console
	output string
}

func newMigrateCommand() *cobra.Command {
	var o migrateOptions
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Explain, step by step, how this cluster goes from Argo CD to Tidelock",
		Long: `Read what there is of Argo CD in a cluster, and print how to hand it over: numbered
steps with their commands, what is done by now, what works otherwise here, and what
will not be there any more when Argo CD is gone. It changes nothing, and works with the
right to read.

Exit status: 0 the plan, 1 Argo CD and Tidelock both write at this moment, 2 it cannot
be told.`,
		Example: `  tidelock migrate
  tidelock migrate -n argocd -o json

  # the comparison that step 3 is about: of an agent that looks on, or from here
  tidelock migrate report
  tidelock migrate check`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOutput(o.output, "json", "yaml"); err != nil {
				return &usageError{cmd.CommandPath(), err}
			}
			return o.run(cmd.Context(), cmd.OutOrStdout())
		},
	}
	o.flags(cmd)
	addOutputFlag(cmd, &o.output, "text", "json", "yaml")
	cmd.AddCommand(newMigrateCheckCommand(), newMigrateReportCommand())
	return cmd
}

func (o *migrateOptions) run(ctx context.Context, out io.Writer) error {
	facts, err := o.facts(ctx)
	if err != nil {
		return &exitStatus{exitUnknown, err}
	}
	plan := migrate.Of(facts)
	if o.output != "" {
		err = encode(out, o.output, plan)
	} else {
		printMigration(newScreen(out), plan)
	}
	if err == nil && plan.Conflict != "" {
		return &exitStatus{code: exitDiffers}
	}
	return err
}

// wrapped breaks a text into lines between words.
func wrapped(text string, width int) []string {
	return strings.Split(ansi.Wordwrap(oneLine(text), width, ""), "\n")
}

// printMigration prints a plan for people.
func printMigration(s *screen, p migrate.Plan) {
	for _, line := range p.Here {
		s.line("%s", oneLine(line))
	}
	if p.Conflict != "" {
		s.line("\n%s %s", s.paint("bad", "BOTH WRITE:"), p.Conflict)
	}
	if len(p.Findings) > 0 {
		s.line("\n%s", s.paint("head", "What to know"))
		rows := make([][]string, len(p.Findings))
		for i, f := range p.Findings {
			rows[i] = []string{"  " + string(f.Weight), oneLine(f.About), oneLine(f.Text)}
		}
		s.table(rows)
	}
	next := p.Next()
	for i, step := range p.Steps {
		mark := " "
		switch {
		case step.Done:
			mark = "x"
		case i == next:
			mark = ">"
		}
		s.line("\n%s", s.paint("head", fmt.Sprintf("[%s] %d. %s", mark, i+1, step.Title)))
		if step.Wait != "" {
			s.line("    %s %s", s.paint("busy", "Wait:"), oneLine(step.Wait))
		}
		for _, text := range step.Text {
			for _, line := range wrapped(text, 88) {
				s.line("    %s", line)
			}
		}
		for _, command := range step.Commands {
			s.line("      %s", s.paint("mark", oneLine(command)))
		}
	}
}
