package main

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/cluster"
	"github.com/tidelock-io/tidelock/agent/metrics"
	"github.com/tidelock-io/tidelock/agent/traffic"
	"github.com/tidelock-io/tidelock/cmd/release"
	"github.com/tidelock-io/tidelock/render"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
)

// numbers are what metrics are made of, besides what is counted as it happens.
func (p *parts) numbers(engine *render.Engine) metrics.Sources {
	count := func(n int64) float64 { return float64(n) }
	from := metrics.Sources{
		Version:      release.Text(),
		Applications: p.counts,
		Orphans:      p.orphans,
		Clusters:     p.clusters,
		Server:       func(app *api.Application) string { return p.engine.destinationOf(app).Server },

		ApplicationSets: p.ownSets,
		Pending:         func() int { return p.applier.Waiting() },
		Telling:         p.options.telling(),
		Gauges: slices.Concat(p.replicas.gauges(p), p.notificationNumbers(), []metrics.Number{
			{Name: "tidelock_live_objects", Help: "Live objects that are followed.", Value: func() float64 { return float64(p.objects()) }},
			{Name: "tidelock_applications_looked_at", Help: "Applications of this replica that it has looked at since it began.", Value: func() float64 { return float64(p.metrics.Looked()) }},
			{Name: "tidelock_memory_limit_bytes", Help: "Memory that the agent and its plugins may use together, as the cgroup says; 0 is any.", Value: func() float64 { return float64(p.memory) }},
			{Name: "tidelock_settings_invalid", Help: "Settings that cannot be read, and are as they were: the log and an Event of their ConfigMap name them.", Value: p.misreadNow},
			{Name: "tidelock_settings_pending", Help: "Settings that have changed, and count from the next start of the agent on.", Value: func() float64 { return count(p.params.later.Load()) }},
			{Name: "tidelock_plugin_processes", Help: "Plugin processes that run.", Value: func() float64 { return float64(len(p.host.PIDs())) }},
		}),
		Counters: []metrics.Number{
			{Name: "tidelock_handovers_total", Help: "Applications that this replica has left to others.", Value: func() float64 { return count(p.replicas.released.Load()) }},
			{Name: "tidelock_renders_total", Help: "Calls of a renderer.", Value: func() float64 { return count(engine.Stats().Renders) }},
			{Name: "tidelock_render_cache_hits_total", Help: "Renders answered from what was rendered before.", Value: func() float64 { return count(engine.Stats().Hits) }},
			{Name: "tidelock_render_cache_misses_total", Help: "Renders that what was rendered before did not answer.", Value: func() float64 { return count(engine.Stats().Misses) }},
			{Name: "tidelock_render_facts_total", Help: "Recorded inputs compared with another commit.", Value: func() float64 { return count(engine.Stats().Facts) }},
			{Name: "tidelock_plugin_calls_total", Help: "Calls of plugins.", Value: func() float64 { return count(p.host.Counters().Calls) }},
			{Name: "tidelock_plugin_failures_total", Help: "Calls of plugins that failed.", Value: func() float64 { return count(p.host.Counters().Failures) }},
			{Name: "tidelock_plugin_starts_total", Help: "Plugin processes that were started.", Value: func() float64 { return count(p.host.Counters().Starts) }},
			{Name: "tidelock_plugin_deaths_total", Help: "Plugin processes that ended without having been told to.", Value: func() float64 { return count(p.host.Counters().Deaths) }},
		},
	}
	if p.shadow != nil { // what Applications are is Argo CD's to tell, or it counts twice
		from.ApplicationSets, from.Shadow = nil, p.shadow.report
	}
	return from
}

// counts are the Applications that metrics tell of: none, where Argo CD tells of them.
func (p *parts) counts() []*api.Application {
	if p.shadow != nil {
		return nil
	}
	return p.agent.Owned()
}

// inCluster is the agent's own cluster, as Applications call it.
var inCluster = (&api.Destination{Name: "in-cluster"}).Resolved()

// A connection is whether the API server answers, and tells what it is asked to.
type connection struct {
	lost      atomic.Bool
	blindness blindness
}

// shownCluster is a destination as it is told.
func shownCluster(server, name string, labels map[string]string, connected bool, v cluster.Vitals) metrics.Cluster {
	return metrics.Cluster{
		Server: server, Name: name, Labels: labels, Version: v.Version, Connected: connected,
		Kinds: v.Kinds, Objects: v.Objects, Listed: v.Listed, Events: v.Events, Processing: processing(v.Processing),
	}
}

func processing(p cluster.Processing) metrics.Processing {
	within := map[float64]uint64{}
	for i, bound := range cluster.ProcessingBounds {
		within[bound] = p.Within[i]
	}
	return metrics.Processing{Within: within, Count: p.Count, Sum: p.Sum, Batch: p.Batch}
}

// counted has all requests to the cluster counted.
func (p *parts) counted(cfg *rest.Config) *rest.Config {
	cfg = rest.CopyConfig(cfg)
	cfg.Wrap(traffic.Told(inCluster.Server, func(r traffic.Request) {
		p.connection.lost.Store(r.Code == 0)
		p.connection.blindness.note(r, p.options.namespace, time.Now())
		p.metrics.Requested(r)
	}))
	cfg.Wrap(traffic.Measured(p.metrics.Exchanged))
	return cfg
}

// drifted has a pass made over an Application, and counts its drifts. What bears its name
// in a cluster that it is not for is none of its objects.
func (p *parts) drifted(server, instance string, drifted bool) {
	namespace, name := api.ParseInstanceName(instance, p.options.namespace)
	nameOf := types.NamespacedName{Namespace: namespace, Name: name}
	if app := p.applications.Application(namespace, name); app != nil {
		if p.engine.destinationOf(app).Server != server {
			return
		}
		if drifted && p.shadow == nil && p.replicas.owns(nameOf) { // else nobody forgets the count
			p.metrics.Drifted(namespace, name)
		}
	}
	p.agent.Live(instance, drifted)
}
