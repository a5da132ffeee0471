package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/blast"
	"github.com/tidelock-io/tidelock/agent/git"
)

// A liveDiff compares several Applications with the cluster.
type liveDiff struct {
	*diffOptions
	remote *remote
	talk   io.Writer
	screen *screen
}

// A target is one Application to be compared with the cluster.
type target struct {
	id     string           // NAMESPACE/NAME, or as it was asked for
	stated *api.Application // by the range; nil for as it is in the cluster
	// at are the revisions of its sources, if they are not its own.
	at []string
}

// checkManyLive says what does not go together with --live.
func (o *diffOptions) checkManyLive(cmd *cobra.Command, args []string, ranged bool) error {
	switch {
	case o.ranges.from != "":
		return errors.New("--from is about the files on disk, which no cluster can be given: give A..B")
	case ranged && o.revision != "":
		return errors.New("--revision: with A..B it is B")
	case !ranged && len(o.ranges.apps) > 0:
		return errors.New("--app is about commits: give Applications as arguments")
	case o.ranges.maxSize < 2000:
		return errors.New("--max-size: give 2000 or more")
	}
	for _, name := range []string{"filename", "repo", "kube-version", "api-versions", valuesFlag, "cache-dir", "no-cache", "parallel", "cluster", "clusters", "new-git-file-globbing"} {
		if !ranged && cmd.Flags().Changed(name) {
			return fmt.Errorf("--%s is about commits: give A..B", name)
		}
	}
	if err := errors.Join(o.ranges.jobs(), o.check([]string{"name", "json", "yaml", "markdown"})); err != nil {
		return err
	}
	return cobra.MaximumNArgs(map[bool]int{true: 1, false: 1000}[ranged])(cmd, args)
}

// runDiffLive says whether there are differences. That some Application cannot be
// compared is an error after the others have been told of.
func runDiffLive(ctx context.Context, o *diffOptions, args []string, out, talk io.Writer) (bool, error) {
	r, err := o.connect()
	if err != nil {
		return false, err
	}
	screen := newScreen(talk)
	d := &liveDiff{diffOptions: o, remote: r, talk: screen, screen: screen}
	targets, err := d.targets(ctx, args)
	if err != nil {
		return false, err
	}
	all := make([]blast.Application, len(targets))
	for i, t := range targets {
		d.screen.state("%d of %d compared with the cluster: %s", i, len(targets), t.id)
		all[i] = d.application(ctx, t)
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
	}
	d.screen.clear()
	radius := blast.Gather(all)
	o.ranges.output, o.ranges.color = o.output, o.color
	return o.ranges.told(out, radius)
}

// targets are the Applications that are named, all of the namespace, or those that a
// range touches.
func (d *liveDiff) targets(ctx context.Context, args []string) ([]target, error) {
	if d.ranges.span != "" {
		return d.touched(ctx)
	}
	var all []target
	for _, arg := range args {
		all = append(all, target{id: arg})
	}
	if len(args) > 0 {
		return all, nil
	}
	list, err := d.remote.applications(ctx, false, "")
	if err != nil {
		return nil, err
	}
	for _, app := range list {
		all = append(all, target{id: app.Namespace + "/" + app.Name})
	}
	return all, nil
}

// touched are the Applications that a range of commits touches, as its later commit
// states them.
func (d *liveDiff) touched(ctx context.Context) ([]target, error) {
	o := &d.ranges
	in, repo, err := o.repository()
	if err != nil {
		return nil, err
	}
	span, err := parseRange(repo, o.span)
	if err != nil {
		return nil, err
	}
	if span.to == "" {
		return nil, errors.New("the files on disk are in no repository that the cluster's Applications name: commit and push them, and give A..B")
	}
	e, err := newComparison(o.affectedOptions, in, repo, span, d.talk)
	if err != nil {
		return nil, err
	}
	defer e.close()
	list, err := e.affected(ctx, o.affectedOptions, in, d.talk)
	if err != nil {
		return nil, err
	}
	if err := o.known(in.applications); err != nil {
		return nil, err
	}
	var all []target
	for _, a := range list {
		asked := len(o.apps) == 0 || slices.ContainsFunc(o.apps, func(asked string) bool { return isCalled(asked, a.Namespace, a.Application) })
		switch id := a.Namespace + "/" + a.Application; {
		case !asked:
		case a.is.app == nil:
			fmt.Fprintf(d.talk, "note: Application %s is gone at the later commit: what becomes of its objects says diff without --live\n", id)
		default:
			all = append(all, target{id: id, stated: a.is.app, at: e.revisions(a.is.app, span.to)})
		}
	}
	return all, nil
}

// revisions are those of an Application's sources at a commit: it is that of the
// sources which move with the range.
func (e *comparison) revisions(app *api.Application, sha string) []string {
	var all []string
	for _, s := range app.Spec.AllSources() {
		revision := s.Revision()
		if !s.IsChart() && !s.IsOCI() && e.afterFiles.ours(git.Repo{URL: s.RepoURL}, revision) {
			revision = sha
		}
		all = append(all, revision)
	}
	return all
}

// application compares one with the cluster.
func (d *liveDiff) application(ctx context.Context, t target) blast.Application {
	namespace, name := d.remote.at(t.id)
	a := blast.Application{Namespace: namespace, Name: name, Status: blast.StatusChanged, Changes: []blast.Change{}}
	l, err := d.at(ctx, t)
	if err != nil {
		a.Failed = err.Error()
		return a
	}
	a.Automated = l.app.Spec.SyncPolicy.IsAutomated()
	for _, s := range l.shown() {
		d.take(&a, s)
	}
	if len(a.Changes) > 0 {
		waves, held := blast.Order(&l.Plan)
		a.Waves, a.Held = waves, append(a.Held, held...)
		if why := blast.Windows(l.Windows, a.Automated, time.Now()); why != "" {
			a.Held = append(a.Held, why)
		}
	}
	if l.Unapproved != "" {
		a.Held = append(a.Held, l.Unapproved)
	}
	for _, note := range l.notes {
		fmt.Fprintf(d.talk, "note: %s: %s\n", t.id, oneLine(note))
	}
	for _, c := range l.Conditions {
		fmt.Fprintf(d.talk, "warning: %s: %s: %s\n", t.id, c.Type, oneLine(c.Message))
	}
	if err := l.untold(); err != nil {
		a.Failed = err.Error()
	}
	return a
}

// at looks at an Application as the range states it, or as it is in the cluster.
func (d *liveDiff) at(ctx context.Context, t target) (*look, error) {
	app, err := d.remote.application(ctx, t.id)
	if err != nil {
		return nil, err
	}
	if t.stated != nil {
		app.Spec = t.stated.Spec
		if app.Annotations == nil {
			app.Annotations = map[string]string{}
		}
		maps.Copy(app.Annotations, t.stated.Annotations)
	}
	op, err := d.operation(app)
	if err != nil {
		return nil, err
	}
	if len(t.at) == 1 && !app.Spec.HasMultipleSources() {
		op.Sync.Revision = t.at[0]
	} else {
		op.Sync.Revisions = t.at
	}
	return d.lookAt(ctx, d.remote, app, op, io.Discard)
}

// actionsOf say in a radius what a sync does.
var actionsOf = map[action]blast.Action{
	actCreate: blast.Create, actUpdate: blast.Update, actDrift: blast.Update, actPrune: blast.Delete, actKeep: blast.Leave, actLeave: blast.Leave,
}

// take adds one object to what is told of its Application.
func (d *liveDiff) take(a *blast.Application, s shownDifference) {
	key := s.key()
	if s.Action == actRefused {
		a.Held = append(a.Held, fmt.Sprintf("%s is refused: %s", key, s.Reason))
		return
	}
	what, differs := actionsOf[s.Action]
	if !differs {
		return
	}
	c := blast.Change{Action: what, Key: key, Origin: s.Origin, Reason: s.Reason, Fields: blast.Fields(s.changed())}
	switch s.Action {
	case actDrift:
		c.Reason = "somebody has changed it in the cluster"
	case actPrune:
		c.Danger = blast.Danger(key)
	}
	a.Changes = append(a.Changes, c)
	because := strings.TrimPrefix(s.Restarts, "restarts because ")
	if because == "" && what == blast.Update {
		because = blast.RestartsFor(key, s.changed())
	}
	if because != "" {
		a.Restarts = append(a.Restarts, blast.Restart{Key: key, Because: because})
	}
}
