package main

import (
	"errors"
	"io"
	"time"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/plan"
)

type planOptions struct{ showOptions }

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
	}
	o.shows(cmd, view{
		outputs: []string{"json", "yaml"}, print: o.print,
		answer: func(l *look) (bool, error) {
			return !l.Plan.Done() || l.Plan.Guard != "", errors.Join(l.refusal(), l.untold())
		},
	})
	return cmd
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
