package reconcile

import (
	"fmt"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/destinations"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// Destinations finds the clusters that Applications are for; agent/destinations does.
type Destinations interface {
	// Resolve returns a destination with both names of its cluster. It asks no cluster.
	// Its error is about the spec, or about the Secret of the cluster: destinations.ErrNoCluster if
	// there is none.
	Resolve(to api.Destination) (api.Destination, error)
	// Reach returns a cluster by its server, and does not wait for it: destinations.ErrConnecting says
	// that it is asked for the first time, and any other error that it does not answer. In
	// either case its Applications are woken when that has changed.
	Reach(server string) (destinations.Target, error)
}

// Only is a Destinations of the agent's own cluster, and no other.
func Only(own destinations.Target) Destinations { return only{own} }

type only struct{ destinations.Target }

func (only) Resolve(to api.Destination) (api.Destination, error) {
	to = to.Resolved()
	if to.Server != api.InClusterServer {
		return to, fmt.Errorf("%w: spec.destination: only %s is reached here", destinations.ErrNoCluster, api.InClusterServer)
	}
	return to, nil
}

func (o only) Reach(string) (destinations.Target, error) { return o.Target, nil }

// A goal is where an Application goes.
type goal struct {
	destinations.Target // zero if it cannot be reached

	dest  api.Destination // with both names of its cluster, as far as they are known
	wrong error           // with spec.destination, or the Secret of the cluster
	away  error           // why the cluster cannot be reached now
}

// goalOf finds the destination of an Application.
func (r *Reconciler) goalOf(app *api.Application) (g goal) {
	if g.dest, g.wrong = r.Destinations.Resolve(app.Spec.Destination); g.wrong != nil {
		g.dest = app.Spec.Destination.Resolved()
		return g
	}
	g.Target, g.away = r.Destinations.Reach(g.dest.Server)
	return g
}

// serverOf names the cluster of another Application, "" if it is not known.
func (r *Reconciler) serverOf(app *api.Application) string {
	to, err := r.Destinations.Resolve(app.Spec.Destination)
	if err != nil {
		return ""
	}
	return to.Server
}

// reached remembers where an application was last: what is known of it there is to be
// forgotten one day.
func (r *Reconciler) reached(name string, to goal) {
	if to.Cluster == nil {
		return
	}
	r.mu.Lock()
	was := r.targets[name]
	r.targets[name] = to
	r.mu.Unlock()
	if was.Cluster == nil || was.Cluster == to.Cluster {
		return
	}
	was.Cluster.Forget(name)
	r.unfollow(name, was)
}

// target is where an application was last; zero if this process has not reached it.
func (r *Reconciler) target(name string) goal {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.targets[name]
}

// A located object is one in a cluster: others have objects of the same name.
type located struct {
	server string
	manifest.Key
}
