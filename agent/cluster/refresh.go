package cluster

import (
	"context"
	"fmt"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Refresh makes sure that what is known of the kinds that are followed is no older than
// now, however far their watches are behind: another process may have written until a
// moment ago. What is being found out to be gone may be known of a little longer.
func (c *Cluster) Refresh(ctx context.Context) error {
	c.mu.Lock()
	watchers := make([]*watcher, 0, len(c.watches))
	for _, w := range c.watches {
		watchers = append(watchers, w)
	}
	c.mu.Unlock()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(reading)
	for _, w := range watchers {
		g.Go(func() error {
			if err := w.refresh(ctx); err != nil && !apierrors.IsNotFound(err) { // else the kind itself is gone
				return fmt.Errorf("list live objects of kind %s: %w", w.gvk.Kind, err)
			}
			return nil
		})
	}
	return g.Wait()
}

// refresh takes a whole listing, which must not be one of a cache that lags.
func (w *watcher) refresh(ctx context.Context) error {
	rules := w.cluster.ruled()
	var records []*diff.Live
	options := metav1.ListOptions{LabelSelector: api.LabelApp, Limit: renewPage}
	for {
		list, err := w.client.List(ctx, options)
		if err != nil {
			return err
		}
		for i := range list.Items {
			records = append(records, w.cluster.reduce(w.gvk, list.Items[i].Object))
		}
		if options.Continue = list.GetContinue(); options.Continue == "" {
			w.cluster.replace(w.feed, records, list.GetResourceVersion())
			w.cluster.outdate(w.gvk, rules)
			return nil
		}
	}
}
