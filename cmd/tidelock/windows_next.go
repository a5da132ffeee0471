package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/agent/window"
)

func newWindowsNextCommand() *cobra.Command {
	var o windowsOptions
	cmd := &cobra.Command{
		Use:   "next DURATION [PROJECT...]",
		Short: "Print the calendar of sync windows",
		Long: `Print when the sync windows of AppProjects open and close, from now on, in the
order of time. Each is shown in its own time zone, across changes of the clocks.
With --app also when an Application may sync by itself.

DURATION is such as 14d, 2w or 36h. A window that is open opens now. -o wide adds
the index and the description of each.

Exit status: 0 success, 1 failure, or a warning and --strict, 2 wrong use.`,
		Example: `  tidelock windows next 14d
  tidelock windows next 2w team --zone local
  tidelock windows next 7d --app shop
  tidelock windows next 30d -f projects/team.yaml -o json`,
		Args:              usage(cobra.MinimumNArgs(1)),
		ValidArgsFunction: o.completeProjects(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ahead, err := parseSpan(args[0])
			if err != nil {
				return &usageError{cmd.CommandPath(), err}
			}
			if err := o.check(cmd); err != nil {
				return err
			}
			schedules, err := o.schedules(cmd.Context(), args[1:], cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			c := o.calendar(schedules, o.now.Add(ahead))
			if err := o.showCalendar(cmd.OutOrStdout(), c); err != nil {
				return err
			}
			if c.More {
				fmt.Fprintf(cmd.ErrOrStderr(), "warning: there are more than %d openings, and the first of them are shown: name a project, or look less far ahead\n", maxOpenings)
			}
			return o.warn(cmd.ErrOrStderr(), schedules)
		},
	}
	o.addFlags(cmd)
	return cmd
}

// Limits on what a calendar shows.
const (
	maxOpenings = 2000
	maxPeriods  = 2000
)

// A calendar is what opens and closes, and what that means for an Application.
type calendar struct {
	From     time.Time      `json:"from"`
	To       time.Time      `json:"to"`
	Openings []shownOpening `json:"openings"`
	// More: not all openings are shown.
	More        bool        `json:"more,omitempty"`
	Application string      `json:"application,omitempty"`
	Syncs       []shownSpan `json:"syncs,omitempty"`
}

type shownOpening struct {
	Project string    `json:"project"`
	Index   int       `json:"index"`
	Kind    string    `json:"kind"`
	Window  string    `json:"window"`
	From    time.Time `json:"from"`
	// To is absent if it does not close.
	To          time.Time `json:"to,omitzero"`
	Description string    `json:"description,omitempty"`
}

// A shownSpan is a time in which an Application may sync by itself, or may not.
type shownSpan struct {
	From time.Time `json:"from"`
	shownSync
}

func (o *windowsOptions) calendar(all []*projectWindows, to time.Time) calendar {
	c := calendar{From: o.now, To: to, Openings: []shownOpening{}}
	for _, p := range all {
		windows := o.matching(p)
		n := 0
		for opening := range windows.Next(o.now, to) {
			if n++; n > maxOpenings {
				c.More = true
				break
			}
			c.Openings = append(c.Openings, shownOpening{
				p.project.Name, opening.Index, string(opening.Kind), opening.Window, opening.From, opening.To,
				p.project.Spec.SyncWindows[opening.Index].Description,
			})
		}
		if o.app != "" {
			c.Application = p.apps[0].Name
			c.Syncs = periods(windows, o.now, to)
		}
	}
	slices.SortStableFunc(c.Openings, func(a, b shownOpening) int {
		return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.Project, b.Project), cmp.Compare(a.Index, b.Index))
	})
	if len(c.Openings) > maxOpenings {
		c.Openings, c.More = c.Openings[:maxOpenings], true
	}
	return c
}

// periods lists when automated syncs may begin, and when not.
func periods(windows *window.Windows, from, to time.Time) (spans []shownSpan) {
	for at := from; at.Before(to) && len(spans) < maxPeriods; {
		v := windows.At(at, false)
		spans = append(spans, shownSpan{at, *syncOf(v)})
		if v.Until.IsZero() {
			break
		}
		at = v.Until
	}
	return spans
}

func (o *windowsOptions) showCalendar(out io.Writer, c calendar) error {
	if o.output == "json" || o.output == "yaml" {
		return encode(out, o.output, c)
	}
	s := newScreen(out)
	if len(c.Openings) == 0 {
		s.line("no sync window%s opens from %s to %s", o.ofWhat(), o.clock(c.From), o.clock(c.To))
	} else {
		rows := [][]string{{"OPENS", "CLOSES", "LASTS", "PROJECT", "WINDOW"}}
		if o.output == "wide" {
			rows[0] = append(rows[0], "INDEX", "DESCRIPTION")
		}
		for _, opening := range c.Openings {
			rows = append(rows, o.openingRow(opening))
		}
		s.table(rows)
	}
	if c.Application == "" {
		return nil
	}
	s.line("")
	rows := [][]string{{"FROM", "TO", "AUTOMATED SYNC OF " + c.Application, "BECAUSE"}}
	for _, p := range c.Syncs {
		rows = append(rows, o.periodRow(p))
	}
	s.table(rows)
	return nil
}

func (o *windowsOptions) openingRow(opening shownOpening) []string {
	closes, lasts := "never", "-"
	if !opening.To.IsZero() {
		closes, lasts = o.clock(opening.To), spanText(opening.To.Sub(opening.From))
	}
	row := []string{o.clock(opening.From), closes, lasts, opening.Project, opening.Window}
	if o.output == "wide" {
		row = append(row, fmt.Sprint(opening.Index), orDash(oneLine(opening.Description)))
	}
	return row
}

func (o *windowsOptions) periodRow(p shownSpan) []string {
	word := "denied"
	if p.Allowed {
		word = "allowed"
	}
	until := "never"
	if !p.Until.IsZero() {
		until = o.clock(p.Until)
	}
	return []string{o.clock(p.From), until, word, p.Reason}
}
