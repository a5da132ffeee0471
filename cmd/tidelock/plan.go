package main

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/plan"
)

type planOptions struct {
	lookOptions
	output string
	color  string
}

func newPlanCommand() *cobra.Command {
	var o planOptions
	cmd := &cobra.Command{
		Use:   "plan APP",
		Short: "Show what a sync would do now",
		Long: `Show what a sync of an Application would do now, step by step: phases, waves,
hooks, what is created, changed and deleted, and what holds it: the deletion
breaker, the AppProject, the API server, a sync window. Nothing is written.

If something has to be approved of, the hash to approve with is shown: that of the
deletions which are held or, if the AppProject or the Application has annotation
tidelock.io/require-approval, of the whole plan, its revisions and its contents.

It is the agent's own engine that tells, run here with your own rights: see
'tidelock diff --help'.

Exit status: 0 there is nothing to do, 1 there is, be it only hooks, 2 it cannot
be told, the sync would be refused, or wrong use.`,
		Example: `  tidelock plan shop
  tidelock plan shop --prune --revision v1.2.3
  tidelock plan shop --resource apps:Deployment:web

  # approve of what is held, and of nothing else
  tidelock plan shop -o json | jq -r .plan.hash
  tidelock sync shop --prune --approve 1a2b3c4d5e6f`,
		Args:              usage(cobra.ExactArgs(1)),
		ValidArgsFunction: o.completeApplications(false),
	}
	cmd.RunE = answer(func(ctx context.Context, cmd *cobra.Command, args []string) (bool, error) {
		if err := o.check(); err != nil {
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
		if err := o.print(cmd.OutOrStdout(), l); err != nil {
			return false, err
		}
		l.tell(cmd.ErrOrStderr())
		return !l.Plan.Done() || l.Plan.Guard != "", errors.Join(l.refusal(), l.untold())
	})
	o.lookFlags(cmd)
	o.syncFlags(cmd)
	cmd.Flags().StringVarP(&o.output, "output", "o", "", "json or yaml; text if empty")
	_ = cmd.RegisterFlagCompletionFunc("output", completeOutputs("json", "yaml")) // fails only for a flag that is not there
	addColourFlag(cmd, &o.color)
	return cmd
}

func (o *planOptions) check() error {
	if err := checkOutput(o.output, "json", "yaml"); err != nil {
		return err
	}
	return (&diffOptions{lookOptions: o.lookOptions, color: o.color}).check()
}

// A shownPlan is a plan for programs.
type shownPlan struct {
	Application string    `json:"application"`
	Revisions   []string  `json:"revisions"`
	Plan        plan.Plan `json:"plan"`
	// Unapproved is why the plan waits for somebody's approval.
	Unapproved string `json:"unapproved,omitempty"`
	// Namespace is the one that the sync makes first.
	Namespace string `json:"namespace,omitempty"`
	// Objects tell the fields of what the plan changes, and who refuses what.
	Objects    []shownDifference `json:"objects"`
	Windows    shownSyncs        `json:"syncWindows"`
	Conditions []api.Condition   `json:"conditions,omitempty"`
	Notes      []string          `json:"notes,omitempty"`
}

// shownSyncs say whether a sync may begin now.
type shownSyncs struct {
	Automated *shownSync `json:"automated"`
	Manual    *shownSync `json:"manual"`
}

func (o *planOptions) print(out io.Writer, l *look) error {
	now := time.Now()
	syncs := shownSyncs{syncOf(l.Windows.At(now, false)), syncOf(l.Windows.At(now, true))}
	if o.output != "" {
		return encode(out, o.output, shownPlan{
			Application: l.app.Namespace + "/" + l.app.Name, Revisions: l.Desired.Revisions, Plan: l.Plan, Unapproved: l.Unapproved, Namespace: l.Namespace,
			Objects: l.shown(), Windows: syncs, Conditions: l.Conditions, Notes: l.notes,
		})
	}
	t := &planText{newScreen(out).colour(o.color), l, now}
	t.print()
	t.windows(syncs)
	return nil
}
