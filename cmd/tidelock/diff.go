package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/reconcile"
)

type diffOptions struct {
	showOptions
	ranges   rangeOptions
	manyLive bool // --live
}

func newDiffCommand() *cobra.Command {
	var o diffOptions
	cmd := &cobra.Command{
		Use:   "diff {APP | --live [APP... | A..B] | A..B | A...B | HEAD | --from COMMIT}",
		Short: "Show in what the cluster differs from Git, or one commit from another",
		Long: `Show in what the cluster differs from Git, or one commit from another.

With APP, show which objects of an Application are not as Git states them, and each field
in which they differ: the live value, the one that a sync would make of it, who
set the live one, and when. The API server itself is asked, by a dry run, so that
its defaults are no difference. Of Secrets only marks are shown, which are equal
if the values are.

What ignoreDifferences hides is listed with the rule that hides it.

It runs here, with your own rights: to read the Application, its AppProject and
its objects, and to patch these, for the dry run. The keys are those of the
agent's namespace, if you may read them, and those on this machine that 'tidelock
render' uses, too.

With --live it is of several Applications, those named or all of the namespace, and
told as for commits: what is at stake first. --live A..B is of the Applications that
going from commit A to commit B touches: what a sync to B would change in the cluster,
whatever the cluster has become since. B must be where the Applications' repositories
are: push it.

With A..B, show what going from commit A to commit B does to the objects of all
Applications that it touches, offline; with A...B, what B has changed since it left
A; with HEAD (or HEAD~2), or --from COMMIT, what the files on disk change. What is
at stake comes first: the objects that are created, changed and deleted, what
restarts, in which waves, and what a window of the AppProject or the guard of
deletions holds. It is as far as Git tells: the cluster may have drifted. An object
that goes from one Application to another is moved; a generated ConfigMap or Secret
whose hash changes is one rename. Of Secrets, and of what is sealed, it is shown
whether they are the same. Renders with the keys of this machine, as 'tidelock
render' does; windows are those of the AppProjects that the repository states.

Exit status: 0 there is no difference, 1 there is, 2 it cannot be told, or wrong
use.`,
		Example: `  tidelock diff shop
  tidelock diff shop --revision v1.2.3
  tidelock diff shop --color always | less -R

  # of several, or of all that a branch touches
  tidelock diff --live shop web
  tidelock diff --live origin/main...HEAD

  # the names of what differs
  tidelock diff shop -o name

  # what a merge of this branch will do
  tidelock diff origin/main...HEAD

  # what is not committed yet, of one Application
  tidelock diff HEAD --app shop

  # as the comment of a pull request
  tidelock diff origin/main...HEAD -o markdown > comment.md; test $? -le 1

  # in CI
  tidelock diff shop -o json > diff.json; test $? -le 1`,
	}
	o.shows(cmd, view{
		outputs: []string{"name", "json", "yaml", "markdown"}, print: o.print, said: []api.ConditionType{reconcile.ConditionUnusedRuleWarning},
		answer: func(l *look) (bool, error) { return l.differs(), l.untold() },
	})
	o.ranges.flags(cmd)
	cmd.Flags().BoolVar(&o.manyLive, "live", false, "compare several Applications with the cluster, or all that A..B touches as B states them")
	o.forRanges(cmd)
	return cmd
}

// forRanges runs the command on commits, if these are what it is given.
func (o *diffOptions) forRanges(cmd *cobra.Command) {
	live := cmd.RunE
	cmd.Args = usage(func(cmd *cobra.Command, args []string) error {
		if o.manyLive {
			return nil // it is checked with the flags
		}
		if o.ranges.from != "" {
			return cobra.MaximumNArgs(1)(cmd, args)
		}
		return cobra.ExactArgs(1)(cmd, args)
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r := &o.ranges
		span, ok := r.spanOf(args)
		if o.manyLive {
			if err := o.checkManyLive(cmd, args, ok); err != nil {
				return &usageError{cmd.CommandPath(), err}
			}
			if r.plugins = o.plugins; ok {
				r.span = span
			}
			return answer(func(ctx context.Context, cmd *cobra.Command, args []string) (bool, error) {
				ctx, cancel := within(ctx, o.timeout)
				defer cancel()
				return runDiffLive(ctx, o, args, cmd.OutOrStdout(), cmd.ErrOrStderr())
			})(cmd, args)
		}
		if !ok {
			if err := checkLive(cmd, o.output); err != nil {
				return &usageError{cmd.CommandPath(), err}
			}
			return live(cmd, args)
		}
		r.span, r.output, r.color, r.plugins, r.now = span, o.output, o.color, o.plugins, time.Now()
		if err := r.check(cmd, args); err != nil {
			return &usageError{cmd.CommandPath(), err}
		}
		return answer(func(ctx context.Context, cmd *cobra.Command, _ []string) (bool, error) {
			ctx, cancel := within(ctx, o.timeout)
			defer cancel()
			return runDiffRange(ctx, *r, cmd.OutOrStdout(), cmd.ErrOrStderr())
		})(cmd, args)
	}
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
