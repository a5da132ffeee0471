package main

import (
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/agent/registry"
)

// watchRegistries makes the part that asks Helm repositories, registries and the
// web for news, as often as Git.
func (p *parts) watchRegistries() {
	p.artifacts = registry.NewStore(registry.Options{Log: p.log, Asked: p.metrics.RegistryAsked})
	p.publications = registry.NewWatcher(p.artifacts, p.options.pollInterval, nil, func(m registry.Moved) {
		p.log.Info("published", "repository", git.Redact(m.URL), "chart", m.Chart, "revision", m.Revision, "from", m.Old, "to", m.New)
		p.tracer.Moved(git.Redact(m.URL), m.Revision, m.New)
		p.agent.News(m.Concerns)
		p.found(m.URL, true)
	})
	p.publications.Reachable = func(url string, ok bool) {
		p.log.Info("reachable", "repository", git.Redact(url), "ok", ok)
		p.agent.News(func(of, chart string) bool { return registry.Same(url, of, chart) })
	}
}
