package main

import (
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/destinations"
	"github.com/tidelock-io/tidelock/agent/metrics"
	"github.com/tidelock-io/tidelock/agent/values"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
)

// defaultClusterTimeout is how long a cluster may be silent.
const defaultClusterTimeout = 10 * time.Second

// clusterConfig is what the destinations tell of.
func (p *parts) clusterConfig() destinations.Config {
	return destinations.Config{
		Wanted: func() (all []api.Destination) {
			for _, app := range p.applications.List() {
				all = append(all, app.Spec.Destination)
			}
			return all
		},
		Commands: p.options.clusterExec, Timeout: p.options.clusterTimeout,
		Changed: p.drifted, Wake: p.wakeCluster,
		Used: func(user values.User) {
			p.agent.Wake(types.NamespacedName{Namespace: user.Namespace, Name: user.Name})
		},
		Told: p.metrics.Requested, Measured: p.metrics.Exchanged, LoggedIn: p.metrics.LoggedIn,
		Guard: func(cfg *rest.Config) *rest.Config { return p.fenced(p.reads(cfg)) },
	}
}

// wakeCluster has a pass made over the Applications of a cluster; "" is all.
func (p *parts) wakeCluster(server string) {
	if p.agent == nil {
		return // nothing runs yet
	}
	for _, app := range p.applications.List() {
		if server == "" || p.engine.destinationOf(app).Server == server {
			p.agent.Wake(types.NamespacedName{Namespace: app.Namespace, Name: app.Name})
		}
	}
}

// clusters are the destinations: the agent's own, and those that are connected to.
func (p *parts) clusters() []metrics.Cluster {
	all := []metrics.Cluster{shownCluster(inCluster.Server, p.engine.destinations.OwnName(), p.engine.destinations.OwnLabels(), !p.connection.lost.Load(), p.cluster.Vitals())}
	for _, s := range p.engine.destinations.Statuses() {
		all = append(all, shownCluster(s.Server, s.Name, s.Labels, s.Connected, s.Vitals))
	}
	return all
}

// objects is how many live objects are followed, in all clusters.
func (p *parts) objects() (n int) {
	for _, c := range p.clusters() {
		n += c.Objects
	}
	return n
}
