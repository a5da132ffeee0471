package agent

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/cluster"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/agent/reconcile"
	"github.com/tidelock-io/tidelock/agent/shard"
	"github.com/tidelock-io/tidelock/agent/traffic"
	"github.com/tidelock-io/tidelock/secrets/crash"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/workqueue"
)

// workers is how many Applications are worked on at once. A pass mostly waits
// for the API server and the plugins.
const workers = 16

// passTimeout ends a pass that hangs, on whatever it hangs: a first clone of a
// large repository is the longest that is normal.
const passTimeout = 10 * time.Minute

// settle is how long a change of live state rests before a pass, unless it is
// drift: health changes come in bursts.
const settle = 100 * time.Millisecond

// An Agent makes a pass over an Application whenever there is a reason to.
type Agent struct {
	applications *Applications
	reconciler   *reconcile.Reconciler
	queue        workqueue.TypedRateLimitingInterface[types.NamespacedName]
	log          *slog.Logger
	passed       func(app types.NamespacedName, took time.Duration)
	busy         busy

	// Owns, if not nil, says whether an Application is this process's to work on: others
	// work on the rest. Who makes it say otherwise interrupts what is Running and calls
	// Release, or Gained. Set it before Run.
	Owns func(types.NamespacedName) bool
	// Running are the passes that are made. Set it before Run.
	Running *shard.Running
	// Released, if not nil, is told of an Application that another process works on from
	// now on. Set it before Run.
	Released func(types.NamespacedName)

	// Trace, if not nil, begins to trace a pass, and returns what ends that. Set it
	// before Run.
	Trace func(ctx context.Context, app types.NamespacedName) (context.Context, func(error))

	// Between, if not nil, is called before and after each pass over an Application,
	// and no pass over it is made meanwhile. It must be quick. Set it before Run.
	Between func(ctx context.Context, app types.NamespacedName)

	// Reads, if not nil, says whether the files of an Application refer to an address
	// that a function knows. Set it before Run.
	Reads func(app *api.Application, is func(url, chart string) bool) bool
}

// queueName is what Argo CD calls its own, in metrics.
const queueName = "app_reconciliation_queue"

// New returns an Agent. Passed is told how long each pass took, and metrics of the
// queue; it may be nil.
func New(applications *Applications, reconciler *reconcile.Reconciler, log *slog.Logger, passed func(types.NamespacedName, time.Duration), metrics workqueue.MetricsProvider) *Agent {
	limits := workqueue.NewTypedItemExponentialFailureRateLimiter[types.NamespacedName](time.Second, 2*time.Minute)
	a := &Agent{
		applications: applications, reconciler: reconciler, log: log, passed: passed, Running: &shard.Running{},
		queue: workqueue.NewTypedRateLimitingQueueWithConfig(limits, workqueue.TypedRateLimitingQueueConfig[types.NamespacedName]{Name: queueName, MetricsProvider: metrics}),
	}
	applications.changed = func(app types.NamespacedName) { a.queue.Add(app) }
	applications.left = reconciler.Left
	applications.Projects.changed = func() {
		a.All()
		if applications.ProjectsTold != nil {
			applications.ProjectsTold()
		}
	}
	return a
}

// Run works until ctx ends.
func (a *Agent) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return a.applications.Run(ctx) })
	g.Go(func() error {
		<-ctx.Done()
		a.queue.ShutDown()
		return nil
	})
	if err := a.applications.Wait(ctx); err != nil {
		return g.Wait()
	}
	if a.reconciler.Shadow == nil {
		a.ensureDefault(ctx)
	}
	for range workers {
		g.Go(func() error {
			for a.next(ctx) {
			}
			return nil
		})
	}
	return g.Wait()
}

// ensureDefault tries again while the server or the network fails.
func (a *Agent) ensureDefault(ctx context.Context) {
	_ = wait.PollUntilContextCancel(ctx, time.Second, true, func(ctx context.Context) (bool, error) {
		err := a.applications.EnsureDefault(ctx)
		if err != nil {
			a.log.Warn("Applications of the default project wait for it", "error", err)
		}
		return err == nil || !cluster.Passing(err), nil
	})
}

func (a *Agent) next(ctx context.Context) bool {
	app, closed := a.queue.Get()
	if closed {
		return false
	}
	defer a.queue.Done(app)
	if ctx.Err() != nil {
		return true // what waits is the next process's
	}
	ctx, end := a.Running.Begin(ctx, app)
	defer end()
	if !a.owns(app) {
		a.reconciler.Heard(app)
		return true
	}
	defer a.busy.begin(app)()
	begun := time.Now()
	ctx, cancel := context.WithTimeout(traffic.For(ctx, app), passTimeout)
	defer cancel()
	traced := func(error) {}
	if a.Trace != nil {
		ctx, traced = a.Trace(ctx, app)
	}
	a.between(ctx, app)
	defer a.between(ctx, app)
	outcome := reconcile.Outcome{Failed: true}
	err := crash.Guard("pass", func() (err error) {
		outcome, err = a.reconciler.Reconcile(ctx, app.Namespace, app.Name)
		return err
	})
	traced(err)
	a.passed(app, time.Since(begun))
	if err != nil && ctx.Err() == nil {
		a.log.Error("pass", "application", app, "error", err)
	}
	a.schedule(app, outcome)
	return true
}

func (a *Agent) between(ctx context.Context, app types.NamespacedName) {
	if a.Between != nil {
		a.Between(ctx, app)
	}
}

// schedule makes sure of the next pass, even if nothing happens. There is none over an
// Application that is gone.
func (a *Agent) schedule(app types.NamespacedName, outcome reconcile.Outcome) {
	if outcome.Failed {
		a.queue.AddRateLimited(app)
		return
	}
	a.queue.Forget(app)
	if a.applications.Application(app.Namespace, app.Name) == nil {
		return
	}
	again := a.reconciler.Next()
	if outcome.Again > 0 {
		again = min(again, outcome.Again)
	}
	a.queue.AddAfter(app, again)
}

// Live asks for a pass over an application whose live state has changed; at
// once if it has drifted.
func (a *Agent) Live(instance string, drifted bool) {
	app := a.named(instance)
	if drifted {
		a.queue.Add(app)
		return
	}
	a.queue.AddAfter(app, settle)
}

// named returns the Application of an instance name. That of an object without a
// tracking id is known by its label only, which may be shortened.
func (a *Agent) named(instance string) types.NamespacedName {
	namespace, name := api.ParseInstanceName(instance, a.reconciler.Namespace)
	if a.applications.Application(namespace, name) == nil {
		for _, app := range a.applications.List() {
			if api.AppLabel(api.InstanceName(app.Namespace, app.Name, a.reconciler.Namespace)) == instance {
				return types.NamespacedName{Namespace: app.Namespace, Name: app.Name}
			}
		}
	}
	return types.NamespacedName{Namespace: namespace, Name: name}
}

// Wake asks for a pass over an Application, if there is one of the name.
func (a *Agent) Wake(app types.NamespacedName) {
	if a.applications.Application(app.Namespace, app.Name) != nil {
		a.queue.Add(app)
	}
}

// Orphans returns how many objects of no application there are beside an
// Application's, if its project asks for them.
func (a *Agent) Orphans(app *api.Application) (count int, asked bool) {
	return a.reconciler.Orphans(app)
}

// All asks for a pass over every Application.
func (a *Agent) All() {
	for _, app := range a.applications.List() {
		a.queue.Add(types.NamespacedName{Namespace: app.Namespace, Name: app.Name})
	}
}

// Moved asks for a pass over the Applications of a Git repository, as News does.
func (a *Agent) Moved(repoURL string) {
	a.News(func(url, _ string) bool { return git.SameRepo(url, repoURL) })
}

// News asks for a pass over the Applications that have a source there is news of,
// or whose files refer to one. Before the first of them all are known to be out of
// date.
func (a *Agent) News(of func(url, chart string) bool) {
	var moved []types.NamespacedName
	for _, app := range a.applications.List() {
		concerned := slices.ContainsFunc(app.Spec.AllSources(), func(s api.Source) bool { return of(s.RepoURL, s.Chart) })
		if concerned || a.Reads != nil && a.Reads(app, of) {
			moved = append(moved, types.NamespacedName{Namespace: app.Namespace, Name: app.Name})
		}
	}
	moved = slices.DeleteFunc(moved, func(app types.NamespacedName) bool { return !a.owns(app) })
	a.reconciler.Moved(moved)
	for _, app := range moved {
		a.queue.Add(app)
	}
}
