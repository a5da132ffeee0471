package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// Config is what a Host needs.
type Config struct {
	// Logger gets what plugins say, at debug; slog.Default() if nil.
	Logger  *slog.Logger
	Plugins []Spec
	// RequireSandbox refuses a plugin where the kernel lacks a part of its
	// sandbox. Without it the host warns once, and goes on with the rest.
	RequireSandbox bool
	// Dir is where sockets are put, in a private directory that is removed at
	// the end; the system's directory for temporary files if "".
	Dir string
	// Scratch is where scratch directories are made: a file system in memory.
	// The system's own if "", which is /dev/shm.
	Scratch string
}

// A Host calls plugins. It may be used by several goroutines at once.
type Host struct {
	log            *slog.Logger
	self           string
	requireSandbox bool

	mu      sync.RWMutex // guards pools and retired
	pools   map[string]*pool
	retired []*pool // replaced ones, whose calls may still run

	dir *workDir
	// scratch is made when it is first needed.
	scratch     func() (*workDir, error)
	usedScratch atomic.Bool

	lacks lacking // what was warned of

	run       *errgroup.Group // what the host waits for at Close
	closeOnce sync.Once
	counters  counters
}

type counters struct{ calls, failures, starts, deaths atomic.Int64 }

// Counters are numbers since New.
type Counters struct {
	Calls    int64 // of all plugins
	Failures int64 // calls that ended in an error
	Starts   int64 // processes started
	Deaths   int64 // processes that ended without having been told to
}

// New prepares plugins, and starts none. Close must be called.
func New(config Config) (*Host, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program to run its own plugins: %w", err)
	}
	h := &Host{log: config.Logger, self: self, requireSandbox: config.RequireSandbox, pools: map[string]*pool{}, run: new(errgroup.Group)}
	if h.log == nil {
		h.log = slog.Default()
	}
	for _, spec := range config.Plugins {
		if spec.Name == "" || h.pools[spec.Name] != nil {
			return nil, fmt.Errorf("plugin %q is given twice, or without a name", spec.Name)
		}
		h.pools[spec.Name] = h.newPool(spec)
	}
	if h.dir, err = newSocketDir(config.Dir); err != nil {
		return nil, fmt.Errorf("making a directory for plugin sockets: %w", err)
	}
	h.scratch = sync.OnceValues(func() (*workDir, error) { return newScratch(config.Scratch) })
	return h, nil
}

// Warm starts one process of each named plugin, of all if none is named, so that
// the first call need not wait.
func (h *Host) Warm(ctx context.Context, plugins ...string) error {
	if len(plugins) == 0 {
		plugins = h.Names()
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, name := range plugins {
		g.Go(func() error {
			p, err := h.pool(name)
			if err != nil {
				return &Error{Plugin: name, Call: "start", Kind: ErrUnavailable, Err: err}
			}
			return p.warm(ctx)
		})
	}
	return g.Wait()
}

// Names returns the names of the plugins, sorted.
func (h *Host) Names() []string {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return slices.Sorted(maps.Keys(h.pools))
}

// Set makes the plugin of a name what spec says it is; nil removes it. Calls that
// run end as they began.
func (h *Host) Set(name string, spec *Spec) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if old := h.pools[name]; old != nil {
		old.retire()
		h.retired = append(h.retired, old)
		delete(h.pools, name)
	}
	if spec != nil {
		h.pools[name] = h.newPool(*spec)
	}
}

func (h *Host) newPool(spec Spec) *pool {
	spec.Grants.Require = spec.Grants.Require || h.requireSandbox
	return newPool(h, spec.Complete(h.self))
}

func (h *Host) pool(name string) (*pool, error) {
	if p := h.find(name); p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("no such plugin, there are %s", strings.Join(h.Names(), ", "))
}

// find returns nil if there is no such plugin.
func (h *Host) find(name string) *pool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.pools[name]
}

// list returns the pools that may have processes, by name.
func (h *Host) list() []*pool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	all := slices.Concat(slices.Collect(maps.Values(h.pools)), h.retired)
	slices.SortStableFunc(all, func(a, b *pool) int { return strings.Compare(a.spec.Name, b.spec.Name) })
	return all
}

// Close kills all processes and waits until they are gone. Calls that run then
// fail with ErrUnavailable.
func (h *Host) Close() error {
	var err error
	h.closeOnce.Do(func() {
		for _, p := range h.list() {
			p.close()
		}
		err = errors.Join(h.run.Wait(), h.removeScratch(), h.dir.remove())
	})
	return err
}

// Counters returns what was counted.
func (h *Host) Counters() Counters {
	return Counters{
		Calls: h.counters.calls.Load(), Failures: h.counters.failures.Load(),
		Starts: h.counters.starts.Load(), Deaths: h.counters.deaths.Load(),
	}
}

// call makes one call, and a second one on a process of its own if the first
// one died with a neighbour. Its error is an *Error, or that of ctx.
func (h *Host) call(ctx context.Context, c call, do func(context.Context, *process) error) error {
	h.counters.calls.Add(1)
	err := h.attempt(ctx, c, do)
	if err == nil {
		return nil
	}
	h.counters.failures.Add(1)
	if ctxErr := ctx.Err(); ctxErr != nil && !errors.Is(err, ErrTimeout) {
		return fmt.Errorf("plugin %s: %s of application %s: %w", c.plugin, c.name, c.application, context.Cause(ctx))
	}
	e := &Error{Plugin: c.plugin, Application: c.application, Call: c.name, Err: err}
	if f := (*failure)(nil); errors.As(err, &f) {
		e.Kind = f.kind
	}
	return e
}

func (h *Host) attempt(ctx context.Context, c call, do func(context.Context, *process) error) error {
	p, err := h.pool(c.plugin)
	if err != nil {
		return &failure{ErrUnavailable, err}
	}
	innocent, err := p.call(ctx, c, false, do)
	if err != nil && innocent && ctx.Err() == nil {
		_, err = p.call(ctx, c, true, do)
	}
	return err
}
