package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/reconcile"
)

type syncOptions struct {
	console
	outcomeOptions
	revision   string
	prune      bool
	dryRun     bool
	force      bool
	replace    bool
	strategy   string
	resources  []string
	options    []string
	retryLimit int64
	approve    string
	async      bool
	alone      bool
	timeout    time.Duration
}

func newSyncCommand() *cobra.Command {
	var o syncOptions
	cmd := &cobra.Command{
		Use:   "sync APP",
		Short: "Make the cluster as Git says, now",
		Long: `Ask the agent to sync an Application, and show what it does until it has ended.

The Application's own sync options and retries count, and what is given here
besides. To interrupt the command ends the showing, not the sync: 'tidelock
wait' shows it again, 'tidelock terminate' ends it.

Where plans need approval (annotation tidelock.io/require-approval of the AppProject
or the Application), nothing is done before somebody has given it: the sync waits,
and says for which hash. With --approve HASH, as 'tidelock plan' shows it, it goes
ahead, and is refused if its plan is another by now; a sync that waits for that
very approval gets it.

APP is NAME or NAMESPACE/NAME.

Exit status: 0 the sync has succeeded, 1 it has not, or was refused, 2 wrong use,
3 it has not ended within --timeout.` + outcomeHelp,
		Example: `  tidelock sync shop
  tidelock sync shop --prune --revision v1.2.3

  # one object only; hooks do not run then
  tidelock sync shop --resource apps:Deployment:web

  # what it would do, said by the API server
  tidelock sync shop --dry-run

  # what 'tidelock plan shop' has shown, and nothing else
  tidelock sync shop --prune --approve 1a2b3c4d5e6f

  # in CI
  tidelock sync shop --timeout 10m -o json | jq -e '.result == "succeeded" and .health == "Healthy"'`,
		Args:              usage(cobra.ExactArgs(1)),
		ValidArgsFunction: o.completeApplications(false),
	}
	cmd.RunE = o.one(&o.console, func(ctx context.Context, args []string, s *screen, out *outcome) error {
		if _, err := o.operation(&api.Application{}); err != nil {
			return &usageError{cmd.CommandPath(), err}
		}
		r, err := o.connect()
		if err != nil {
			return err
		}
		return o.run(ctx, r, args[0], s, out)
	})
	o.flags(cmd)
	o.outcomeFlag(cmd)
	f := cmd.Flags()
	f.StringVar(&o.revision, "revision", "", "commit, branch or tag, in place of targetRevision; not with automated syncs")
	f.BoolVar(&o.prune, "prune", false, "delete what is no longer in Git")
	f.BoolVar(&o.dryRun, "dry-run", false, "ask the API server, and apply nothing")
	f.BoolVar(&o.force, "force", false, "delete and create objects that cannot be changed as they have to be")
	f.BoolVar(&o.replace, "replace", false, "replace objects: what others have added to them goes")
	f.StringVar(&o.strategy, "strategy", "hook", "hook, or apply: without hooks")
	f.StringArrayVar(&o.resources, "resource", nil, "`GROUP:KIND:[NAMESPACE/]NAME` to sync, and nothing else; may be given several times")
	f.StringArrayVar(&o.options, "option", nil, "sync `OPTION` such as PruneLast=true; may be given several times")
	f.Int64Var(&o.retryLimit, "retry-limit", -1, "how often to try again, in place of the Application's own limit")
	f.StringVar(&o.approve, "approve", "", "`HASH` of the plan, or of the deletions, that are meant")
	f.BoolVar(&o.alone, "ignore-dependencies", false, "do not wait for the Applications that this one depends on")
	f.BoolVar(&o.async, "async", false, "do not wait for the end")
	f.DurationVar(&o.timeout, "timeout", 0, "how long to wait; 0 is for ever")
	_ = cmd.RegisterFlagCompletionFunc("strategy", cobra.FixedCompletions([]cobra.Completion{"hook", "apply"}, cobra.ShellCompDirectiveNoFileComp)) // fails only for a flag that is not there
	return cmd
}

// operation is what is asked of the agent.
func (o *syncOptions) operation(app *api.Application) (*api.Operation, error) {
	sync := &api.SyncOperation{Revision: o.revision, Prune: o.prune, DryRun: o.dryRun}
	sync.SyncOptions = append(append(api.SyncOptions(nil), app.Spec.SyncPolicy.Options()...), o.options...)
	if o.replace {
		sync.SyncOptions = append(sync.SyncOptions, api.SyncOptionReplace)
	}
	switch o.strategy {
	case "hook":
		sync.SyncStrategy = &api.SyncStrategy{Hook: &api.SyncStrategyOptions{Force: o.force}}
	case "apply":
		sync.SyncStrategy = &api.SyncStrategy{Apply: &api.SyncStrategyOptions{Force: o.force}}
	default:
		return nil, fmt.Errorf("--strategy %s: give hook or apply", o.strategy)
	}
	for _, text := range o.resources {
		resource, err := parseResource(text)
		if err != nil {
			return nil, err
		}
		sync.Resources = append(sync.Resources, resource)
	}
	op := &api.Operation{Sync: sync, Retry: app.Spec.SyncPolicy.RetryOf(false)}
	if o.retryLimit >= 0 {
		op.Retry.Limit = o.retryLimit
	}
	if o.alone {
		op.Info = append(op.Info, api.Info{Name: api.AnnotationIgnoreDependencies, Value: "true"})
	}
	return op, nil
}

// parseResource reads GROUP:KIND:[NAMESPACE/]NAME.
func parseResource(text string) (api.SyncResource, error) {
	parts := strings.SplitN(text, ":", 3)
	if len(parts) != 3 || parts[1] == "" || parts[2] == "" {
		return api.SyncResource{}, fmt.Errorf("--resource %s: give GROUP:KIND:NAME, as in apps:Deployment:web or :Service:shop/web", text)
	}
	resource := api.SyncResource{Group: parts[0], Kind: parts[1], Name: parts[2]}
	if namespace, name, ok := strings.Cut(parts[2], "/"); ok {
		resource.Namespace, resource.Name = namespace, name
	}
	return resource, nil
}

func (o *syncOptions) run(ctx context.Context, r *remote, arg string, s *screen, out *outcome) error {
	app, err := r.application(ctx, arg)
	if err != nil {
		return err
	}
	out.saw(app)
	if o.revision != "" && app.Spec.HasMultipleSources() {
		return fmt.Errorf("--revision: application %s has %d sources", arg, len(app.Spec.AllSources()))
	}
	if o.revision != "" && app.Spec.SyncPolicy.IsAutomated() {
		return fmt.Errorf("application %s syncs by itself to %s, and would undo a sync to %s: change spec.source.targetRevision, or switch automated off", arg, sourceText(app), o.revision)
	}
	op, err := o.operation(app)
	if err != nil {
		return err
	}
	placeResources(app, op)
	return o.operate(ctx, r, app, op, s, out)
}

// placeResources gives the objects that are named their namespaces, as in the
// status, which is what people copy.
func placeResources(app *api.Application, op *api.Operation) {
	for i, resource := range op.Sync.Resources {
		if resource.Namespace == "" {
			op.Sync.Resources[i].Namespace = namespaceOf(app, resource)
		}
	}
}

// namespaceOf finds the namespace of an object that is named without.
func namespaceOf(app *api.Application, resource api.SyncResource) string {
	for _, res := range app.Status.Resources {
		if res.Group == resource.Group && res.Kind == resource.Kind && res.Name == resource.Name {
			return res.Namespace
		}
	}
	return app.Spec.Destination.Namespace
}

// operate requests an operation, and shows it to its end.
func (o *syncOptions) operate(ctx context.Context, r *remote, app *api.Application, op *api.Operation, s *screen, out *outcome) error {
	op.InitiatedBy = api.Initiator{Username: r.person(ctx)}
	id := api.Info{Name: infoRequest, Value: rand.Text()}
	op.Info = append(op.Info, id)
	if o.approve != "" {
		op.Info = append(op.Info, api.Info{Name: api.AnnotationApprove, Value: o.approve})
	}
	approves := func(*api.OperationState) bool { return false } // one that waits
	err := r.change(ctx, app, func(app *api.Application) (map[string]any, error) {
		body := map[string]any{"operation": op}
		running := app.Status.OperationState
		switch {
		case app.Operation == nil && o.approve != "" && reconcile.AwaitsApproval(running, o.approve):
			delete(body, "operation")
			approves = func(op *api.OperationState) bool { return op.StartedAt.Equal(&running.StartedAt) }
		case app.Operation != nil || running != nil && !running.Phase.Completed():
			return nil, fmt.Errorf("another operation of %s/%s is under way: %s (hint: tidelock wait %s, or tidelock terminate %s)",
				app.Namespace, app.Name, operationText(app, time.Now()), app.Name, app.Name)
		}
		if o.approve != "" {
			body["metadata"] = map[string]any{"annotations": map[string]any{api.AnnotationApprove: o.approve}}
		}
		return body, nil
	})
	if err != nil {
		return err
	}
	if o.async {
		out.requested = true
		s.line("requested: tidelock wait %s shows how it goes", app.Name)
		return nil
	}
	return o.show(ctx, r, app, func(op *api.OperationState) bool {
		return slices.Contains(op.Operation.Info, id) || approves(op)
	}, s, out)
}

// infoRequest is the note in an operation by which the command that asked for it
// knows it again.
const infoRequest = "tidelock.io/request"

// show follows the operation that is meant to its end.
func (o *syncOptions) show(ctx context.Context, r *remote, app *api.Application, is func(*api.OperationState) bool, s *screen, out *outcome) error {
	ctx, cancel := within(ctx, o.timeout)
	defer cancel()
	p := newProgress(s, "")
	awaited := "waiting for the agent to begin"
	err := r.follow(ctx, app, func(now *api.Application) (bool, error) {
		out.saw(now)
		if now == nil {
			return true, fmt.Errorf("application %s/%s is gone", app.Namespace, app.Name)
		}
		op := now.Status.OperationState
		if now.Operation != nil || op == nil || !is(op) {
			p.state("%s", awaited)
			return false, nil
		}
		p.operation(now)
		out.op, awaited = op, op.Message
		return op.Phase.Completed(), nil
	})
	s.clear()
	switch {
	case out.op != nil && out.op.Phase.Completed():
		p.ended(out.op)
		return failure(app.Name, out.op)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return &exitStatus{exitTimeout, fmt.Errorf("%w after %s, the sync goes on: %s", errTimeout, o.timeout, awaited)}
	case ctx.Err() != nil:
		return fmt.Errorf("%w, the sync goes on: tidelock wait %s shows it, tidelock terminate %s ends it", errInterrupted, app.Name, app.Name)
	}
	return err
}

// within bounds a context, if there is a bound.
func within(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if timeout <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, timeout)
}
