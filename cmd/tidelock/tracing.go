package main

import (
	"context"
	"os"
	"time"

	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/agent/registry"
	"github.com/tidelock-io/tidelock/agent/trace"
	"github.com/tidelock-io/tidelock/cmd/release"
	"k8s.io/apimachinery/pkg/types"
)

// otlpVariables are those that all programs have for the address of a collector.
var otlpVariables = []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"}

// flushed bounds the wait for the last traces to be sent.
const flushed = 2 * time.Second

// newTracer traces commits if there is a collector; else it is nil, which does nothing.
func newTracer(ctx context.Context, o *agentOptions) (*trace.Tracer, error) {
	endpoint := o.otlpEndpoint
	for _, name := range otlpVariables {
		if endpoint == "" {
			endpoint = os.Getenv(name)
		}
	}
	if endpoint == "" {
		return nil, nil
	}
	return trace.New(ctx, endpoint, release.Text(), o.traceRatio)
}

// traced begins to trace a pass.
func (p *parts) traced(ctx context.Context, name types.NamespacedName) (context.Context, func(error)) {
	return p.tracer.Pass(ctx, name, func(repo string) bool {
		app := p.applications.Application(name.Namespace, name.Name)
		if app == nil {
			return false
		}
		is := func(url, chart string) bool { return git.SameRepo(url, repo) || registry.Same(repo, url, chart) }
		for _, source := range app.Spec.AllSources() {
			if is(source.RepoURL, source.Chart) {
				return true
			}
		}
		return p.agent.Reads != nil && p.agent.Reads(app, is)
	})
}

// closeTracer sends what was not sent yet. The agent ends all the same.
func (p *parts) closeTracer() {
	ctx, cancel := context.WithTimeout(context.Background(), flushed)
	defer cancel()
	if err := p.tracer.Close(ctx); err != nil {
		p.log.Warn("the last traces are not sent", "error", err)
	}
}
