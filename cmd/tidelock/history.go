package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/agent/api"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func newHistoryCommand() *cobra.Command {
	var c console
	var output string
	cmd := &cobra.Command{
		Use:   "history APP",
		Short: "List what was synced, for a rollback",
		Long: `List the full, successful syncs of an Application that its status remembers
(spec.revisionHistoryLimit), the newest first. -o wide tells when each began and
ended, and all of the commits' names. JSON and YAML are status.history of the
Application, the oldest first.

Exit status: 0 success, 1 failure, 2 wrong use.`,
		Example: `  tidelock history shop
  tidelock history shop -o json | jq -r '.[-2].revision'`,
		Args:              usage(cobra.ExactArgs(1)),
		ValidArgsFunction: c.completeApplications(false),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output, "wide", "json", "yaml"); err != nil {
				return &usageError{cmd.CommandPath(), err}
			}
			r, err := c.connect()
			if err != nil {
				return err
			}
			app, err := r.application(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return printHistory(cmd.OutOrStdout(), app, output)
		},
	}
	c.flags(cmd)
	addOutputFlag(cmd, &output, "a table", "wide", "json", "yaml")
	return cmd
}

func printHistory(out io.Writer, app *api.Application, output string) error {
	switch output {
	case "json", "yaml":
		return encode(out, output, append([]api.RevisionHistory{}, app.Status.History...)) // an empty list is no null
	}
	newScreen(out).table(historyRows(app, time.Now(), output == "wide"))
	return nil
}

func historyRows(app *api.Application, now time.Time, wide bool) [][]string {
	rows := [][]string{{"ID", "REVISION", "AGE", "TOOK", "BY", "SOURCE"}}
	if wide {
		rows[0] = append(rows[0], "BEGAN", "ENDED", "COMMIT")
	}
	for i := len(app.Status.History) - 1; i >= 0; i-- {
		h := app.Status.History[i]
		took, by := "-", h.InitiatedBy.Username
		if h.DeployStartedAt != nil {
			took = h.DeployedAt.Sub(h.DeployStartedAt.Time).Round(time.Second).String()
		}
		if h.InitiatedBy.Automated {
			by = "automated"
		}
		row := []string{strconv.FormatInt(h.ID, 10), revisions(h), age(h.DeployedAt.Time, now), took, orDash(by), sources(h)}
		if wide {
			row = append(row, instant(h.DeployStartedAt), instant(&h.DeployedAt), strings.Join(revisionList(h.Revision, h.Revisions), ","))
		}
		rows = append(rows, row)
	}
	return rows
}

func instant(t *metav1.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

func revisions(h api.RevisionHistory) string {
	all := revisionList(h.Revision, h.Revisions)
	for i, r := range all {
		all[i] = short(r)
	}
	return strings.Join(all, ",")
}

func sources(h api.RevisionHistory) string {
	app := &api.Application{Spec: api.ApplicationSpec{Source: &h.Source, Sources: h.Sources}}
	return sourceText(app)
}

func newRollbackCommand() *cobra.Command {
	var o syncOptions
	cmd := &cobra.Command{
		Use:   "rollback APP [ID]",
		Short: "Sync to what was synced before",
		Long: `Sync an Application to an entry of its history: the one before the last if no ID
is given. Its spec stays as it is, so that automated syncs, which would undo it,
have to be off.

Exit status: 0 the sync has succeeded, 1 it has not, or was refused, 2 wrong use,
3 it has not ended within --timeout.` + outcomeHelp,
		Example: `  tidelock history shop
  tidelock rollback shop 7`,
		Args:              usage(cobra.RangeArgs(1, 2)),
		ValidArgsFunction: o.completeApplications(false),
		RunE: o.one(&o.console, func(ctx context.Context, args []string, s *screen, out *outcome) error {
			r, err := o.connect()
			if err != nil {
				return err
			}
			return o.rollback(ctx, r, args, s, out)
		}),
	}
	o.flags(cmd)
	o.outcomeFlag(cmd)
	f := cmd.Flags()
	f.BoolVar(&o.prune, "prune", false, "delete what was not there then")
	f.StringVar(&o.approve, "approve", "", "`HASH` of the plan that is meant, where plans need approval")
	f.BoolVar(&o.dryRun, "dry-run", false, "ask the API server, and apply nothing")
	f.BoolVar(&o.async, "async", false, "do not wait for the end")
	f.DurationVar(&o.timeout, "timeout", 0, "how long to wait; 0 is for ever")
	o.strategy, o.retryLimit = "hook", -1
	return cmd
}

func (o *syncOptions) rollback(ctx context.Context, r *remote, args []string, s *screen, out *outcome) error {
	app, err := r.application(ctx, args[0])
	if err != nil {
		return err
	}
	out.saw(app)
	if app.Spec.SyncPolicy.IsAutomated() {
		return fmt.Errorf("application %s syncs by itself, which would undo a rollback: set spec.syncPolicy.automated.enabled to false first, or revert in Git", args[0])
	}
	entry, err := past(app, args[1:])
	if err != nil {
		return err
	}
	op, err := o.operation(app)
	if err != nil {
		return err
	}
	op.Sync.Revision, op.Sync.Revisions = entry.Revision, entry.Revisions
	if len(entry.Sources) > 0 {
		op.Sync.Sources = entry.Sources
	} else {
		op.Sync.Source = &entry.Source
	}
	return o.operate(ctx, r, app, op, s, out)
}

// past finds an entry of the history.
func past(app *api.Application, id []string) (*api.RevisionHistory, error) {
	history := app.Status.History
	if len(id) == 0 {
		if len(history) < 2 {
			return nil, errors.New("there is nothing to go back to: the history holds no earlier sync")
		}
		return &history[len(history)-2], nil
	}
	for i, h := range history {
		if strconv.FormatInt(h.ID, 10) == id[0] {
			return &history[i], nil
		}
	}
	return nil, fmt.Errorf("the history of %s has no entry %s (hint: tidelock history %s)", app.Name, id[0], app.Name)
}
