package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/reconcile"
)

type diffOptions struct{ showOptions }

func newDiffCommand() *cobra.Command {
	var o diffOptions
	cmd := &cobra.Command{
		Use:   "diff APP",
		Short: "Show in what the cluster differs from Git",
		Long: `Show which objects of an Application are not as Git states them, and each field
in which they differ: the live value, the one that a sync would make of it, who
set the live one, and when. The API server itself is asked, by a dry run, so that
its defaults are no difference. Of Secrets only marks are shown, which are equal
if the values are.

What ignoreDifferences hides is listed with the rule that hides it.

It runs here, with your own rights: to read the Application, its AppProject and
its objects, and to patch these, for the dry run. The keys are those of the
agent's namespace, if you may read them, and those on this machine that 'tidelock
render' uses, too.

Exit status: 0 there is no difference, 1 there is, 2 it cannot be told, or wrong
use.`,
		Example: `  tidelock diff shop
  tidelock diff shop --revision v1.2.3
  tidelock diff shop --color always | less -R

  # the names of what differs
  tidelock diff shop -o name

  # in CI
  tidelock diff shop -o json > diff.json; test $? -le 1`,
	}
	o.shows(cmd, view{
		outputs: []string{"name", "json", "yaml"}, print: o.print, said: []api.ConditionType{reconcile.ConditionUnusedRuleWarning},
		answer: func(l *look) (bool, error) { return l.differs(), l.untold() },
	})
	return cmd
}

// A shownDiff is a diff for programs.
type shownDiff struct {
	Application string            `json:"application"`
	Revisions   []string          `json:"revisions"`
	Differs     bool              `json:"differs"`
	Objects     []shownDifference `json:"objects"`
	// UnusedRules are rules of ignoreDifferences that hide nothing.
	UnusedRules []string `json:"unusedRules,omitempty"`
	Notes       []string `json:"notes,omitempty"`
}

func (o *diffOptions) print(out io.Writer, l *look) error {
	shown := l.shown()
	switch o.output {
	case "json", "yaml":
		return encode(out, o.output, shownDiff{
			Application: l.app.Namespace + "/" + l.app.Name, Revisions: l.Desired.Revisions, Differs: l.differs(),
			Objects: shown, UnusedRules: l.Ignore.Unused(l.Changes), Notes: l.notes,
		})
	case "name":
		for _, d := range shown {
			if d.Action != actNone {
				fmt.Fprintln(out, d.objectName)
			}
		}
		return nil
	}
	newDiffText(newScreen(out).colour(o.color), l).print(shown)
	return nil
}

// tell says on stderr what there is to say besides, but for what was said.
func (l *look) tell(talk io.Writer, said ...api.ConditionType) {
	for _, note := range l.notes {
		fmt.Fprintf(talk, "note: %s\n", oneLine(note))
	}
	for _, c := range l.Conditions {
		if slices.Contains(said, c.Type) {
			continue
		}
		fmt.Fprintf(talk, "warning: %s: %s\n", c.Type, oneLine(c.Message))
	}
}

// untold is an error if of some objects the fields are not known.
func (l *look) untold() error {
	var untold failures
	for _, d := range l.shown() {
		if d.Error != "" {
			untold = append(untold, fmt.Errorf("the fields of %s are not known: %s", d.key(), d.Error))
		}
	}
	if untold == nil {
		return nil
	}
	return untold
}
