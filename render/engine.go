package render

import (
	"context"
	"log/slog"
	"path"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets/crash"
)

// Plugins calls plugins, in the end host.Host. Render reads the request's tree
// from one goroutine, until it returns; Decrypt is for SOPS files.
type Plugins interface {
	Render(ctx context.Context, plugin string, req *sdk.RenderRequest) (*sdk.RenderResult, error)
	Decrypt(ctx context.Context, req *sdk.DecryptRequest) ([]byte, error)
}

// Config is what an Engine needs. A zero field but Plugins means its default.
type Config struct {
	Plugins Plugins
	// Custom returns the custom plugins there are, in the order in which they are
	// asked whether a directory is theirs. If it is nil, Plugins knows whichever
	// are named.
	Custom func() []*Custom
	Logger *slog.Logger // slog.Default()
	// Parallel is how many renders run at once: the number of CPUs.
	Parallel int
	// Waited, if not nil, is told how long each render waited for its turn, be it that it
	// gave up.
	Waited func(time.Duration)
	// CacheBytes bounds the results that are kept: 128 MiB.
	CacheBytes int64
	// Shelf keeps results without secrets from one process to the next; nil keeps
	// none. Build names the program that rendered them, and that of its plugins.
	Shelf Shelf
	Build string
}

// An Engine renders, and keeps what it rendered until an input changes. It may
// be used by several goroutines at once.
type Engine struct {
	plugins Plugins
	custom  func() []*Custom
	log     *slog.Logger
	slots   chan struct{}
	waited  func(time.Duration)
	cache   *cache
	flights flights
	changes changes
	stats   stats
	shelf   Shelf // nil for none
	build   string
}

type stats struct{ hits, misses, renders, facts atomic.Int64 }

// Stats are numbers since New.
type Stats struct {
	Hits    int64 // answered from the cache, remembered failures included
	Misses  int64
	Renders int64 // calls of a plugin's Render
	Facts   int64 // recorded inputs compared with another commit
}

// New returns an Engine with an empty cache.
func New(config Config) *Engine {
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	if config.Parallel == 0 {
		config.Parallel = runtime.NumCPU()
	}
	if config.CacheBytes == 0 {
		config.CacheBytes = 128 << 20
	}
	if config.Waited == nil {
		config.Waited = func(time.Duration) {}
	}
	return &Engine{
		plugins: config.Plugins, custom: config.Custom, log: config.Logger,
		slots: make(chan struct{}, config.Parallel), waited: config.Waited, cache: newCache(config.CacheBytes),
		shelf: config.Shelf, build: config.Build,
	}
}

// Stats returns what was counted.
func (e *Engine) Stats() Stats {
	return Stats{Hits: e.stats.hits.Load(), Misses: e.stats.misses.Load(), Renders: e.stats.renders.Load(), Facts: e.stats.facts.Load()}
}

// A Rendering is all sources of an Application together.
type Rendering struct {
	// Set has each object once: of those stated several times the last.
	Set manifest.Set
	// Repeated are the objects that were dropped for a later one.
	Repeated []manifest.Duplicate
	// Sources are the results one by one, in the order of the requests.
	Sources []*Result
}

// Warnings collects those of all sources.
func (r *Rendering) Warnings() []string {
	var all []string
	for _, s := range r.Sources {
		all = append(all, s.Warnings...)
	}
	return all
}

// RenderAll renders the sources of one Application side by side and puts them
// together in order. It fails with the first source's error.
func (e *Engine) RenderAll(ctx context.Context, requests []Request) (*Rendering, error) {
	r := &Rendering{Sources: make([]*Result, len(requests))}
	g, ctx := errgroup.WithContext(ctx)
	for i, req := range requests {
		if len(requests) > 1 {
			req.SourceIndex = i + 1
		}
		g.Go(func() (err error) {
			defer crash.Recover(&err, "render")
			r.Sources[i], err = e.Render(ctx, req)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var set manifest.Set
	for _, source := range r.Sources {
		set = append(set, source.Set...)
		r.Repeated = append(r.Repeated, source.Repeated...)
	}
	unique, repeated := set.Unique()
	r.Set, r.Repeated = unique, append(r.Repeated, repeated...)
	return r, nil
}

// Render renders one source, or returns what it gave before if all that it read
// then is the same in the request's tree. A failure is remembered alike, unless
// trying again may help. Its error is an *Error, or that of ctx.
func (e *Engine) Render(ctx context.Context, req Request) (*Result, error) {
	if req.Source.IsRefOnly() {
		return &Result{}, nil
	}
	out, cached, err := e.render(ctx, &req)
	if err != nil {
		return nil, err
	}
	return out.answer(&req, cached)
}

// render answers from the cache, or makes a pass. Its error is that of ctx.
func (e *Engine) render(ctx context.Context, req *Request) (out *outcome, cached bool, err error) {
	req.Source.Path = path.Clean(req.Source.Path)
	key := e.keyOf(req)
	leave, err := e.flights.enter(ctx, key.id)
	if err != nil {
		return nil, false, err
	}
	defer leave()
	if hit := e.recall(ctx, req, key); hit != nil {
		e.stats.hits.Add(1)
		return hit, true, nil
	}
	e.stats.misses.Add(1)
	if out, err = e.pass(ctx, req); err != nil {
		return nil, false, err
	}
	if out.lasting() {
		e.cache.put(key, out)
		e.shelve(key, out)
	}
	return out, false, nil
}

// Forget drops what is kept for an application: its next render asks the plugin.
func (e *Engine) Forget(application string) { e.cache.forget(application) }

// recall returns a kept outcome that holds for req, or nil.
func (e *Engine) recall(ctx context.Context, req *Request, key key) *outcome {
	kept, bases := e.cache.get(key)
	if kept == nil {
		e.unshelve(key)
		kept, bases = e.cache.get(key)
	}
	if kept == nil {
		return nil
	}
	r := recheck{e, bases}
	if !r.holds(ctx, req, kept.result) {
		return nil
	}
	e.cache.confirm(key, r.bases)
	return kept
}

// pass renders once a slot is free. An error is that of ctx; what the render
// failed of is in the outcome.
func (e *Engine) pass(ctx context.Context, req *Request) (*outcome, error) {
	asked := time.Now()
	select {
	case e.slots <- struct{}{}:
		defer func() { <-e.slots }()
	case <-ctx.Done():
		e.waited(time.Since(asked))
		return nil, context.Cause(ctx)
	}
	start := time.Now()
	e.waited(start.Sub(asked))
	p := newPass(ctx, e, req)
	out := p.run()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	e.log.DebugContext(ctx, "rendered", "application", req.Application, "path", req.Source.Path,
		"plugin", out.result.Plugin, "objects", len(out.result.Set), "inputs", len(out.result.Inputs),
		"took", time.Since(start), "error", out.err)
	return out, nil
}
