package main

import (
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/probe"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// mux is what the agent answers to anybody who reaches it.
func (p *parts) mux() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/api/webhook", p.webhook)
	if p.shadow != nil {
		mux.Handle("GET /shadow", p.shadow)
	}
	mux.Handle("GET /healthz", probe.Handler(p.alive()...))
	mux.Handle("GET /readyz", probe.Handler(p.ready()...))
	return mux
}

// alive are the checks of what nothing but a restart mends.
func (p *parts) alive() []probe.Check {
	return []probe.Check{{Part: "work", Wrong: func() string {
		if n := p.agent.Hanging() + p.sets.Hanging(); n > 0 {
			return fmt.Sprintf("%d looks at Applications or ApplicationSets have not ended, long after they were told to: a restart ends them", n)
		}
		return ""
	}}}
}

// ready are the checks of what the agent cannot work without. What it waits for by
// itself mends itself.
func (p *parts) ready() []probe.Check {
	kind := schema.GroupKind{Group: api.GroupVersion.Group, Kind: "Application"}
	return append([]probe.Check{
		{Part: "cluster", Wrong: unless(func() bool { return !p.connection.lost.Load() },
			"the API server does not answer, and is asked again and again")},
		{Part: "watches", Wrong: func() string { return p.connection.blindness.wrong(time.Now()) }},
		{Part: "cache", Wrong: func() string { return cacheWrong(filepath.Dir(gitDir(p.options.cacheDir))) }},
		{Part: "definitions", Wrong: unless(func() bool { return p.cluster.Serves(kind) },
			"the cluster does not know Applications: tidelock install --crds-only | kubectl apply --server-side -f -")},
		{Part: "keys", Wrong: unless(p.keyring.Listed,
			"the Secrets with keys and credentials are not listed yet, or may not be: the log says which")},
		{Part: "applications", Wrong: unless(p.applications.Listed,
			"Applications and AppProjects are not listed yet, or may not be: the log says why")},
		{Part: "plugins", Wrong: func() string { return pluginsWrong(p.host.Host) }},
		{Part: "share", Wrong: unless(p.replicas.settled,
			"the Applications are being divided among replicas, or Leases may not be written: the log says")},
	}, p.alive()...)
}

// unless words what is wrong if a condition does not hold.
func unless(holds func() bool, wrong string) func() string {
	return func() string {
		if holds() {
			return ""
		}
		return wrong
	}
}
