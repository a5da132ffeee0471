package destinations

import (
	"context"
	"errors"

	"github.com/tidelock-io/tidelock/agent/apply"
	"github.com/tidelock-io/tidelock/agent/cluster"
	"github.com/tidelock-io/tidelock/agent/values"
	"github.com/tidelock-io/tidelock/render/manifest"
)

var (
	// ErrNoCluster says that a destination names a cluster that nobody knows.
	ErrNoCluster = errors.New("the cluster is not known")
	// ErrConnecting says that it is not known yet whether a cluster can be reached.
	ErrConnecting = errors.New("connecting to the cluster")
	// ErrSkipped says that Applications of the cluster are to be left alone.
	ErrSkipped = errors.New("the Secret of the cluster has its Applications left alone: annotation argocd.argoproj.io/skip-reconcile")
	// ErrUnreachable says that a cluster does not answer.
	ErrUnreachable = errors.New("the cluster does not answer")
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
