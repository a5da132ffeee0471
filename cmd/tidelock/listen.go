package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/agent/metrics"
	"github.com/tidelock-io/tidelock/render"
	"github.com/tidelock-io/tidelock/secrets"
	"golang.org/x/sync/errgroup"
)

// mux is what the agent answers to anybody who reaches it.
func (p *parts) mux() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/api/webhook", p.webhook)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	return mux
}

func (p *parts) metricsMux() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", p.metrics.Handler())
	return mux
}

// newWebhook reads the secret, if there is one.
func newWebhook(secretFile string, watcher *git.Watcher) (http.Handler, error) {
	signing := map[string]secrets.Value{}
	if secretFile != "" {
		secret, err := os.ReadFile(secretFile)
		if err != nil {
			return nil, fmt.Errorf("read the webhook's secret: %w", err)
		}
		signing["github"] = secrets.New(bytes.TrimSpace(secret))
	}
	return git.NewWebhook(signing, watcher.Notify), nil
}

// serve answers on an address until ctx ends.
func serve(ctx context.Context, address string, handler http.Handler) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen: %w: choose another address by --listen or --metrics-listen", err)
	}
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute,
		WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
	}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		<-gctx.Done()
		return server.Close()
	})
	g.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve on %s: %w", address, err)
		}
		return nil
	})
	return g.Wait()
}

// numbers are our own metrics.
func (p *parts) numbers(engine *render.Engine) metrics.Sources {
	count := func(n int64) float64 { return float64(n) }
	return metrics.Sources{
		Applications: p.applications.List,
		Orphans:      p.orphans,
		Gauges: []metrics.Number{
			{Name: "tidelock_live_objects", Help: "Live objects that are followed.", Value: func() float64 { return float64(p.cluster.Objects()) }},
			{Name: "tidelock_plugin_processes", Help: "Plugin processes that run.", Value: func() float64 { return float64(len(p.host.PIDs())) }},
		},
		Counters: []metrics.Number{
			{Name: "tidelock_renders_total", Help: "Calls of a renderer.", Value: func() float64 { return count(engine.Stats().Renders) }},
			{Name: "tidelock_render_cache_hits_total", Help: "Renders answered from what was rendered before.", Value: func() float64 { return count(engine.Stats().Hits) }},
			{Name: "tidelock_render_facts_total", Help: "Recorded inputs compared with another commit.", Value: func() float64 { return count(engine.Stats().Facts) }},
			{Name: "tidelock_plugin_calls_total", Help: "Calls of plugins.", Value: func() float64 { return count(p.host.Counters().Calls) }},
			{Name: "tidelock_plugin_failures_total", Help: "Calls of plugins that failed.", Value: func() float64 { return count(p.host.Counters().Failures) }},
			{Name: "tidelock_plugin_deaths_total", Help: "Plugin processes that ended without having been told to.", Value: func() float64 { return count(p.host.Counters().Deaths) }},
		},
	}
}
