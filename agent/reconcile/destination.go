package reconcile

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/apply"
	"github.com/tidelock-io/tidelock/agent/cluster"
	"github.com/tidelock-io/tidelock/agent/values"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// A Target is a destination cluster, as a pass reaches it.
type Target struct {
	Cluster *cluster.Cluster
	Apply   *apply.Applier
	// Live reads Secrets of it that controllers make, and Marks the marks that stand on
	// live workloads (see package rollout); nil where nothing restarts.
	Live  Secrets
	Marks func(ctx context.Context, workloads manifest.Set) (map[manifest.Key]string, error)
}

// Secrets follows single Secrets of a cluster; values.Follower does.
type Secrets interface {
	Use(ctx context.Context, user values.User, objects ...values.Object) (map[values.Object]values.Content, error)
}

// Destinations finds the clusters that Applications are for; agent/destinations does.
type Destinations interface {
	// Resolve returns a destination with both names of its cluster. It asks no cluster.
	// Its error is about the spec, or about the Secret of the cluster: ErrNoCluster if
	// there is none.
	Resolve(to api.Destination) (api.Destination, error)
	// Reach returns a cluster by its server, and does not wait for it: ErrConnecting says
	// that it is asked for the first time, and any other error that it does not answer. In
	// either case its Applications are woken when that has changed.
	Reach(server string) (Target, error)
}

var (
	// ErrNoCluster says that a destination names a cluster that nobody knows.
	ErrNoCluster = errors.New("the cluster is not known")
	// ErrConnecting says that it is not known yet whether a cluster can be reached.
	ErrConnecting = errors.New("connecting to the cluster")
)

// Only is a Destinations of the agent's own cluster, and no other.
func Only(own Target) Destinations { return only{own} }

type only struct{ Target }

func (only) Resolve(to api.Destination) (api.Destination, error) {
	to = to.Resolved()
	if to.Server != api.InClusterServer {
		return to, fmt.Errorf("%w: spec.destination: only %s is reached here", ErrNoCluster, api.InClusterServer)
	}
	return to, nil
}

func (o only) Reach(string) (Target, error) { return o.Target, nil }

// A goal is where an Application goes.
type goal struct {
	Target // zero if it cannot be reached

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
