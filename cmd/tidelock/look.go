package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/agent"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/cluster"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/agent/keyring"
	"github.com/tidelock-io/tidelock/agent/project"
	"github.com/tidelock-io/tidelock/agent/reconcile"
	"github.com/tidelock-io/tidelock/agent/registry"
	"github.com/tidelock-io/tidelock/secrets/leak"
	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/klog/v2"
)

// lookOptions are those of the commands that look at one Application as the agent
// does.
type lookOptions struct {
	console
	sealingNamespace string
	revision         string
	prune            bool
	resources        []string
	timeout          time.Duration
	plugins          pluginOptions
	exec             []string
}

// lookFlags adds the flags that all of them have.
func (o *lookOptions) lookFlags(cmd *cobra.Command) {
	o.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.sealingNamespace, "sealed-secrets-namespace", "kube-system", "where the keys of the sealed-secrets controller are")
	o.plugins.flags(f)
	f.StringSliceVar(&o.exec, "allow-cluster-exec", nil, allowExecHelp)
	f.DurationVar(&o.timeout, "timeout", 0, "how long it may take; 0 is for ever")
}

// syncFlags adds the flags that say which sync is meant.
func (o *lookOptions) syncFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.revision, "revision", "", "commit, branch or tag, in place of targetRevision")
	f.BoolVar(&o.prune, "prune", false, "delete what is no longer in Git, which automated syncs with prune do anyway")
	f.StringArrayVar(&o.resources, "resource", nil, "`GROUP:KIND:[NAMESPACE/]NAME` to look at, and nothing else; may be given several times")
}

// operation is the sync that is meant.
func (o *lookOptions) operation(app *api.Application) (*api.Operation, error) {
	if o.revision != "" && app.Spec.HasMultipleSources() {
		return nil, fmt.Errorf("--revision: application %s has %d sources", app.Name, len(app.Spec.AllSources()))
	}
	policy := app.Spec.SyncPolicy
	asked := syncOptions{
		revision: o.revision, resources: o.resources, strategy: "hook", retryLimit: -1,
		prune: o.prune || policy.IsAutomated() && policy.Automated.Prunes(),
	}
	op, err := asked.operation(app)
	if err != nil {
		return nil, err
	}
	placeResources(app, op)
	return op, nil
}

// A look is what a command has found out about an Application.
type look struct {
	*reconcile.Preview
	app         *api.Application
	op          *api.Operation
	differences []reconcile.Difference
	// notes say what could not be read, with the person's rights.
	notes []string
}

// look previews a sync by the agent's own engine, in this process.
func (o *lookOptions) look(ctx context.Context, r *remote, arg string, talk io.Writer) (*look, error) {
	app, err := r.application(ctx, arg)
	if err != nil {
		return nil, err
	}
	op, err := o.operation(app)
	if err != nil {
		return nil, err
	}
	return o.lookAt(ctx, r, app, op, talk)
}

// lookAt previews one sync of an Application.
func (o *lookOptions) lookAt(ctx context.Context, r *remote, app *api.Application, op *api.Operation, talk io.Writer) (*look, error) {
	ctx, cancel := within(ctx, o.timeout)
	defer cancel()
	waiting := newScreen(talk)
	waiting.state("asking Git and the API server")
	defer waiting.clear()
	found, err := o.preview(ctx, r, app, op, "", talk)
	if here := app.Spec.Destination.Namespace; apierrors.IsForbidden(err) && here != "" {
		found, err = o.within(ctx, r, app, op, here, err, talk)
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("%w after %s: %w", errTimeout, o.timeout, err)
	}
	return found, err
}

// approval is the command that approves of what was looked at.
func (l *look) approval() string {
	text := "tidelock sync " + l.app.Name + " -n " + l.app.Namespace
	if l.op.Sync.Prune {
		text += " --prune"
	}
	if l.op.Sync.Revision != "" {
		text += " --revision " + l.op.Sync.Revision
	}
	for _, r := range l.op.Sync.Resources {
		name := r.Name
		if r.Namespace != "" {
			name = r.Namespace + "/" + name
		}
		text += fmt.Sprintf(" --resource %s:%s:%s", r.Group, r.Kind, name)
	}
	return text + " --approve " + l.Plan.Hash()
}

// within looks at one namespace, if that helps.
func (o *lookOptions) within(ctx context.Context, r *remote, app *api.Application, op *api.Operation, namespace string, why error, talk io.Writer) (*look, error) {
	found, err := o.preview(ctx, r, app, op, namespace, talk)
	if err != nil {
		return nil, errors.Join(why, err)
	}
	found.notes = append(found.notes, fmt.Sprintf("what is no longer in Git is looked for in namespace %s only: %v", namespace, why))
	return found, nil
}

func (o *lookOptions) preview(ctx context.Context, r *remote, app *api.Application, op *api.Operation, namespace string, talk io.Writer) (found *look, err error) {
	log := slog.New(slog.NewTextHandler(talk, &slog.HandlerOptions{Level: slog.LevelError}))
	klog.SetSlogLogger(slog.New(slog.DiscardHandler)) // what the engine has to say is in its errors
	e, notes, err := o.engine(ctx, r, app, log)
	if err != nil {
		return nil, err
	}
	defer e.close()
	e.cluster.Within(namespace)
	reconciler, err := e.reconciler(r.cfg, e.renders(), reconcile.Config{Onlooker: true})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return e.cluster.Run(ctx) })
	g.Go(func() error { return e.destinations.Run(ctx) })
	g.Go(func() error {
		defer cancel()
		if err := e.await(ctx, app); err != nil {
			return noted(fmt.Errorf("%w: %w", reconcile.ErrPreview, err), notes)
		}
		preview, err := reconciler.Preview(ctx, app, *op)
		if err != nil {
			return noted(err, notes)
		}
		found = &look{Preview: preview, app: app, op: op, notes: notes, differences: reconciler.Differences(ctx, preview)}
		return nil
	})
	return found, g.Wait()
}

// noted adds to an error what could not be read, for that may be why.
func noted(err error, notes []string) error {
	for _, note := range notes {
		err = fmt.Errorf("%w\n  %s", err, note)
	}
	return err
}

// engine makes an engine with the person's rights, and notes what they do not
// suffice for.
func (o *lookOptions) engine(ctx context.Context, r *remote, app *api.Application, log *slog.Logger) (*engine, []string, error) {
	e, notes, err := o.engineOf(ctx, r, r.home(app), log)
	if err != nil {
		return nil, nil, err
	}
	if _, err := e.store.(reader).Read(ctx, app.Namespace, app.Name); err != nil {
		e.close()
		return nil, nil, r.explain(ctx, "read what is to be synced", app.Name, err)
	}
	return e, notes, nil
}

// engineOf is that of an agent's namespace.
func (o *lookOptions) engineOf(ctx context.Context, r *remote, home string, log *slog.Logger) (*engine, []string, error) {
	c, err := cluster.New(r.cfg, log, cluster.Listeners{Changed: func(string, bool) {}, Served: func() {}})
	if err != nil {
		return nil, nil, err
	}
	if err := c.Discover(ctx); err != nil {
		return nil, nil, err
	}
	ring, err := keyring.New(r.cfg, keyring.Namespaces{Agent: home, Sealing: o.sealingNamespace}, log, func() {})
	if err != nil {
		return nil, nil, err
	}
	var notes []string
	for _, err := range ring.Read(ctx) {
		notes = append(notes, err.Error())
	}
	local, err := newLocalKeys(nil)
	if err != nil {
		return nil, nil, err
	}
	store, err := agent.NewApplications(r.cfg, home, project.Namespaces{}, ring.Scoped, ring.Bindings)
	if err != nil {
		return nil, nil, err
	}
	mirrors, err := git.NewStore(localGitDir(), git.Options{Log: log})
	if err != nil {
		return nil, nil, err
	}
	plugins, err := newHost(log, o.plugins)
	if err != nil {
		return nil, nil, errors.Join(err, mirrors.Close())
	}
	return &engine{
		namespace: home, log: log, store: store, cluster: c, keys: personalKeys{ring, local},
		git: mirrors, artifacts: registry.NewStore(registry.Options{Log: log}), host: plugins,
		known: &leak.Known{}, clusters: clustersForMyself(o.exec),
	}, notes, nil
}
