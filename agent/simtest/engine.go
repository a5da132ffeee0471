package simtest

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/tidelock-io/tidelock/agent"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/apply"
	"github.com/tidelock-io/tidelock/agent/cluster"
	"github.com/tidelock-io/tidelock/agent/destinations"
	"github.com/tidelock-io/tidelock/agent/project"
	"github.com/tidelock-io/tidelock/agent/reconcile"
	"github.com/tidelock-io/tidelock/agent/shard"
	"github.com/tidelock-io/tidelock/agent/traffic"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
)

// agentNamespace is where Applications are.
const agentNamespace = "argocd"

// refresh is how often an Application is looked at without a reason.
const refresh = 3 * time.Minute

// A life is the engine from one start to its death. It is tied together as
// cmd/tidelock does it, but for Git.
type life struct {
	wire    *wire
	cancel  context.CancelFunc
	ended   chan struct{}
	replica *replica // nil if the engine is alone

	mu    sync.Mutex // guards agent
	agent *agent.Agent
}

// start begins a life, on whatever is in the server.
func start(ctx context.Context, w *wire, git *repo, log *slog.Logger, r *replica) *life {
	ctx, cancel := context.WithCancel(ctx)
	l := &life{wire: w, cancel: cancel, ended: make(chan struct{}), replica: r}
	w.die = cancel
	go func() {
		defer close(l.ended)
		for l.run(ctx, git, log) != nil && ctx.Err() == nil {
			_ = pause(ctx, 2*time.Second) // it could not even begin, and is started again
		}
	}()
	return l
}

// run is a whole life, or fails at its beginning.
func (l *life) run(ctx context.Context, git *repo, log *slog.Logger) error {
	cfg := &rest.Config{Host: "http://simtest", Transport: l.wire, QPS: -1, UserAgent: agentName}
	cfg.Wrap(traffic.Unbroken(500*time.Millisecond, l.replica.loses))
	if l.replica != nil {
		cfg.Wrap(shard.Fence(l.replica.Mine))
	}
	live, err := cluster.New(cfg, log, cluster.Listeners{
		Changed: func(app string, drifted bool) { l.agent.Live(app, drifted) },
		Served:  func() { l.agent.All() },
	})
	if err != nil {
		return err
	}
	if err := live.Reach(ctx); err != nil {
		return err
	}
	applications, err := agent.NewApplications(cfg, agentNamespace, project.Namespaces{},
		func(string) project.Scoped { return project.Scoped{} }, func() int64 { return 0 })
	if err != nil {
		return err
	}
	applier, err := apply.New(cfg, live, log)
	if err != nil {
		return err
	}
	config := reconcile.Config{
		Namespace: agentNamespace, Store: applications, Pipeline: git, Destinations: reconcile.Only(destinations.Target{Cluster: live, Apply: applier}),
		Log: log, Now: time.Now, Refresh: refresh,
		Wake: func(app types.NamespacedName) { l.agent.Wake(app) },
		Synced: func(app *api.Application, op *api.OperationState) {
			log.Info("operation ended", "application", app.Name, "phase", op.Phase, "message", op.Message)
		},
	}
	g, ctx := errgroup.WithContext(ctx)
	if l.replica != nil {
		config.Replicas = l.replica
	}
	reconciler := reconcile.New(config)
	a := agent.New(applications, reconciler, log, func(types.NamespacedName, time.Duration) {}, nil)
	l.mu.Lock()
	l.agent = a
	l.mu.Unlock()
	if l.replica != nil {
		run, err := l.replica.join(cfg, a, reconciler, applications, live, log)
		if err != nil {
			return err
		}
		g.Go(func() error { return run(ctx) })
	}
	g.Go(func() error { return live.Run(ctx) })
	g.Go(func() error { return a.Run(ctx) })
	return g.Wait()
}

// moved is the news of a commit.
func (l *life) moved() {
	l.mu.Lock()
	a := l.agent
	l.mu.Unlock()
	if a != nil {
		a.Moved(repoURL)
	}
}

// kill ends a life, without a last word.
func (l *life) kill() {
	l.wire.kill("", false)
	l.cancel()
}
