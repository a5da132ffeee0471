package keyring

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	appsv1client "k8s.io/client-go/kubernetes/typed/apps/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// sealedControllers select Deployments of the sealed-secrets controller: that of
// its chart, and that of its released manifest.
var sealedControllers = []string{"app.kubernetes.io/name=sealed-secrets", "name=sealed-secrets-controller"}

// A presence follows the Deployments of a controller, in all namespaces. A
// controller is there as long as somebody wants it to run: one that crashes, or
// is being rolled out, comes back, and two should never make the same Secrets.
// Without the right to look it is taken to be there.
type presence struct {
	deployments []*follower[*appsv1.Deployment]
	unseen      atomic.Bool
	warn        sync.Once
	log         *slog.Logger
}

func newPresence(client appsv1client.DeploymentsGetter, selectors []string, log *slog.Logger, changed func()) *presence {
	p := &presence{log: log}
	api := client.Deployments(metav1.NamespaceAll)
	for _, selector := range selectors {
		var f *follower[*appsv1.Deployment]
		f = follow[*appsv1.Deployment](&appsv1.Deployment{}, changed, &cache.ListWatch{
			ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
				o.LabelSelector = selector
				list, err := api.List(ctx, o)
				if apierrors.IsForbidden(err) {
					p.blind(err)
					f.once.Do(func() { close(f.synced) })
				}
				return list, err
			},
			WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
				o.LabelSelector = selector
				return api.Watch(ctx, o)
			},
		})
		p.deployments = append(p.deployments, f)
	}
	return p
}

// taken is the presence of a controller that nobody looks for: it is there.
func taken() *presence {
	p := &presence{}
	p.unseen.Store(true)
	return p
}

func (p *presence) blind(err error) {
	p.unseen.Store(true)
	p.warn.Do(func() {
		p.log.Warn("cannot see whether a controller runs, and take it that it does wherever its kind is served", "error", err)
	})
}

// there says that the controller is there, for all that is known.
func (p *presence) there() bool {
	return p.unseen.Load() || slices.ContainsFunc(p.deployments, func(f *follower[*appsv1.Deployment]) bool {
		return slices.ContainsFunc(f.list(), func(d *appsv1.Deployment) bool {
			return d.DeletionTimestamp == nil && (d.Spec.Replicas == nil || *d.Spec.Replicas > 0)
		})
	})
}

// Controllers know which controllers run in a cluster, other than the agent's own.
type Controllers struct{ sealed *presence }

// NewControllers returns the Controllers of the cluster that cfg reaches. Changed is
// called when one comes or goes; it must not block.
func NewControllers(cfg *rest.Config, log *slog.Logger, changed func()) (*Controllers, error) {
	client, err := appsv1client.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	return &Controllers{newPresence(client, sealedControllers, log, changed)}, nil
}

// Run follows them until ctx ends.
func (c *Controllers) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, f := range c.sealed.deployments {
		g.Go(func() error {
			f.run(ctx)
			return nil
		})
	}
	return g.Wait()
}

// Wait returns when it is known which there are.
func (c *Controllers) Wait(ctx context.Context) error {
	for _, f := range c.sealed.deployments {
		select {
		case <-f.done():
		case <-ctx.Done():
			return fmt.Errorf("list the controllers of the cluster: %w", ctx.Err())
		}
	}
	return nil
}

// Controlled says whether the controller of a kind is there, as that of a Keyring does.
func (c *Controllers) Controlled(kind schema.GroupKind) bool {
	return kind.Group != "bitnami.com" || c.sealed.there()
}

// read lists the Deployments, once.
func (p *presence) read(ctx context.Context) error {
	for _, f := range p.deployments {
		if err := f.read(ctx); err != nil {
			p.unseen.Store(true)
			return err
		}
	}
	return nil
}

// Controlled says whether the controller of a kind is there, which is known of
// SealedSecrets only; that of any other kind is taken to be where it is served.
func (k *Keyring) Controlled(kind schema.GroupKind) bool {
	return kind.Group != "bitnami.com" || k.sealed.there()
}
