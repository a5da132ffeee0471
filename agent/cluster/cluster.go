package cluster

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/render/manifest"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
)

// A Cluster is one destination. It is safe for concurrent use. Its watches run
// while Run does.
type Cluster struct {
	dynamic   dynamic.Interface
	metadata  metadata.Interface
	discovery discovery.DiscoveryInterfaceWithContext
	log       *slog.Logger
	bounds    Bounds // see Confine
	followed  Bounds // where objects are listed: within bounds
	key       []byte // of digests: random, of this process
	changed   func(app string, drifted bool)
	served    func()        // what is served has changed
	started   chan *watcher // watches to be run
	doubtful  chan doubt    // objects that may be gone

	processed   meter // see Vitals
	starting    turn  // held while a watch is started
	discovering turn  // held during a discovery
	kindsMu     sync.RWMutex
	kinds       kinds

	mu      sync.Mutex // guards all below
	records map[manifest.Key]*diff.Live
	byApp   map[string]map[manifest.Key]struct{}
	gone    map[manifest.Key]string // resourceVersion of what was deleted lately
	watches map[feed]*watcher
	rivals  map[manifest.Key][]string // applications that state an object of another
	ignores map[string]*diff.Ignore   // by application: what differences do not count
	rules   Rules
	// expected are, beside another agent, the applications that state objects.
	expected map[manifest.Key]string
	stale    map[schema.GroupVersionKind]bool // kinds whose records were made by other rules
	renew    bell                             // rung when there are any
}

// Listeners are called, on no particular goroutine, and must not block.
type Listeners struct {
	// Changed gets the name of an application whose live state has changed, and
	// whether that is a drift from what was applied.
	Changed func(app string, drifted bool)
	// Served is called when the cluster serves other kinds than before.
	Served func()
}

// New returns a Cluster. Discover, then Run it.
func New(cfg *rest.Config, log *slog.Logger, to Listeners) (*Cluster, error) {
	dyn, err := newDynamic(cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	meta, err := metadata.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	disco, err := discovery.NewDiscoveryClientForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	key := make([]byte, 32)
	rand.Read(key) // never fails: crypto/rand
	return &Cluster{
		dynamic: dyn, metadata: meta, discovery: disco, log: log, key: key, changed: to.Changed, served: to.Served,
		started: make(chan *watcher), doubtful: make(chan doubt, 256), starting: newTurn(), discovering: newTurn(),
		records: map[manifest.Key]*diff.Live{}, byApp: map[string]map[manifest.Key]struct{}{},
		gone: map[manifest.Key]string{}, watches: map[feed]*watcher{}, rivals: map[manifest.Key][]string{},
		ignores: map[string]*diff.Ignore{}, stale: map[schema.GroupVersionKind]bool{}, renew: make(bell, 1),
		expected: map[manifest.Key]string{},
	}, nil
}

// Run runs the watches until ctx ends.
func (c *Cluster) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return c.checkDeletions(ctx) })
	g.Go(func() error { return c.watchDefinitions(ctx) })
	g.Go(func() error { return c.renewRecords(ctx) })
	for {
		select {
		case <-ctx.Done():
			return g.Wait()
		case w := <-c.started:
			g.Go(func() error {
				w.run(ctx)
				return nil
			})
		}
	}
}

// Snapshot returns the records of an application's objects, and of those that
// stand where it wants others: it will be told when one of those changes or goes.
// The records must not be changed.
func (c *Cluster) Snapshot(app string, desired manifest.Set) diff.Snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	snapshot := make(diff.Snapshot, len(desired))
	for _, o := range desired {
		if live := c.records[o.Key]; live != nil {
			snapshot[o.Key] = live
			if live.App != "" && live.App != app && live.App != api.AppLabel(app) {
				c.rival(o.Key, app)
			}
		}
	}
	for _, name := range []string{app, api.AppLabel(app)} {
		for key := range c.byApp[name] {
			snapshot[key] = c.records[key]
		}
	}
	return snapshot
}

// Objects returns how many live objects are known.
func (c *Cluster) Objects() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.records)
}
