package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/tidelock-io/tidelock/agent/served"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/shelf"
	"github.com/tidelock-io/tidelock/render/validate"
	"github.com/tidelock-io/tidelock/render/validate/openapi"
)

// clusterOptions say whether a cluster is asked what it serves.
type clusterOptions struct {
	fromCluster bool
	reach       console
}

func (o *clusterOptions) liveFlags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&o.fromCluster, "from-cluster", false, "compare with what the cluster of your kubeconfig serves, instead of --kube-version")
	o.reach.reachFlags(cmd)
}

// checkCluster says what does not go together with --from-cluster.
func (o *validateOptions) checkCluster(cmd *cobra.Command) error {
	if !o.fromCluster {
		if o.reach.kubeconfig != "" || o.reach.context != "" {
			return errors.New("--kubeconfig and --context say which cluster --from-cluster asks")
		}
		return nil
	}
	for _, name := range []string{"kube-version", "api-versions"} {
		if cmd.Flags().Changed(name) {
			return fmt.Errorf("--%s: it is the cluster's own with --from-cluster: give one of the two", name)
		}
	}
	if o.real {
		return errors.New("--real starts an API server of Kubernetes' own kinds: give it or --from-cluster")
	}
	return nil
}

// A liveCluster is asked for its schemas while the repository is rendered.
type liveCluster struct {
	*served.Cluster
	kept      *shelf.Shelf
	asking    errgroup.Group
	giveUp    context.CancelFunc
	documents []*openapi.Document
	notes     []string
}

// askCluster asks for the version and the kinds, and begins to ask for the schemas; nil
// without --from-cluster.
func askCluster(ctx context.Context, o *validateOptions, talk io.Writer) (*liveCluster, error) {
	if !o.fromCluster {
		return nil, nil
	}
	cfg, err := o.reach.config()
	if err != nil {
		return nil, fmt.Errorf("--from-cluster: %w", err)
	}
	kept, err := o.cache.open(keptSchemas, talk)
	if err != nil {
		return nil, err
	}
	options := served.Options{Parallel: 8}
	if kept != nil {
		options.Kept = kept
	}
	l := &liveCluster{kept: kept}
	if l.Cluster, err = served.Ask(ctx, cfg, options); err != nil {
		return nil, errors.Join(fmt.Errorf("--from-cluster: %w", err), closeShelf(kept))
	}
	ctx, l.giveUp = context.WithCancel(ctx)
	l.asking.Go(func() (err error) {
		l.documents, l.notes, err = l.Documents(ctx)
		return err
	})
	o.kubeVersion, o.apiVersions = l.Version()
	o.scope = l.Scope
	return l, nil
}

// end gives up what is under way: after a success that is nothing.
func (l *liveCluster) end() error {
	if l == nil {
		return nil
	}
	l.giveUp()
	_ = l.asking.Wait() // told by who needs the answer
	return closeShelf(l.kept)
}

// versionOf is what objects are compared with: a version of Kubernetes, or what the
// cluster serves beside the custom kinds that are known.
func (v *validation) versionOf(custom *validate.Definitions) (*openapi.Version, error) {
	if v.live == nil {
		return openapi.Of(minor(v.options.kubeVersion))
	}
	if err := v.live.asking.Wait(); err != nil {
		return nil, fmt.Errorf("--from-cluster: %w", err)
	}
	v.notes = append(append(v.notes, v.live.Notes()...), v.live.notes...)
	return v.live.Schemas(v.live.documents, custom.Has), nil
}

// liveDefinitions are those of the custom kinds that the cluster has and something here
// is of.
func (v *validation) liveDefinitions(ctx context.Context, custom *validate.Definitions, loose manifest.Set) error {
	if v.live == nil {
		return nil
	}
	sets := []manifest.Set{loose}
	for _, r := range v.rendered {
		if r.result != nil {
			sets = append(sets, r.result.Set)
		}
	}
	known, notes, err := v.live.Definitions(ctx, sets...)
	if err != nil {
		return fmt.Errorf("--from-cluster: %w", err)
	}
	v.notes = append(v.notes, notes...)
	addAll(custom, known)
	return nil
}
