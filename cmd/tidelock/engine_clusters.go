package main

import (
	"context"
	"errors"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/cluster"
	"github.com/tidelock-io/tidelock/agent/destinations"
	"github.com/tidelock-io/tidelock/agent/pipeline"
	"github.com/tidelock-io/tidelock/agent/values"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// reach makes the destinations: the cluster that cfg reaches is the agent's own.
func (e *engine) reach(cfg *rest.Config, client kubernetes.Interface) {
	c := e.clusters
	c.Own = destinations.Own{
		Target:     destinations.Target{Cluster: e.cluster, Apply: e.apply, Live: e.values, Marks: e.cluster.Marks},
		Objects:    cluster.Objects{Cluster: e.cluster, Client: client},
		Controlled: e.keys.Controlled, Looker: e.cluster.Looker(cfg), Config: cfg,
	}
	c.Secrets, c.UserAgent, c.Log = e.keys.ClusterSecrets, cfg.UserAgent, e.log
	c.OwnDisabled = func() bool { return e.settings.Settings().InClusterDisabled }
	e.destinations = destinations.New(c)
	e.destinations.Refresh()
}

// viewOf is the cluster of an Application, as the pipeline sees it.
func (e *engine) viewOf(app *api.Application) (pipeline.Destination, error) {
	return e.destinations.View(app.Spec.Destination)
}

// destinationOf is an Application's destination with both names of its cluster, as far as
// they are known.
func (e *engine) destinationOf(app *api.Application) api.Destination {
	to, err := e.destinations.Resolve(app.Spec.Destination)
	if err != nil {
		return app.Spec.Destination.Resolved()
	}
	return to
}

// await waits until it is known whether an Application's cluster can be reached. What is
// wrong with the destination is for the pass to say.
func (e *engine) await(ctx context.Context, app *api.Application) error {
	to, err := e.destinations.Resolve(app.Spec.Destination)
	if err != nil {
		return nil //nolint:nilerr // see above
	}
	_, err = e.destinations.Await(ctx, to.Server)
	if errors.Is(err, destinations.ErrUnreachable) {
		return nil // likewise
	}
	return err
}

// allowExecHelp is of a flag of the commands that log in to clusters themselves.
const allowExecHelp = "`COMMAND`s that the Secret of a cluster may have run here to log in; none if empty"

// clustersForMyself are destinations of one look. What may be run to log in is for the
// person to say: the agent runs it in its own container.
func clustersForMyself(commands []string) destinations.Config {
	return destinations.Config{
		Wanted: func() []api.Destination { return nil }, Timeout: defaultClusterTimeout, Commands: commands,
		Changed: func(string, string, bool) {}, Wake: func(string) {}, Used: func(values.User) {},
	}
}
