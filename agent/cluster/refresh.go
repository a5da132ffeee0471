package cluster

import (
	"context"
	"fmt"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// mostNamed is of how many applications the objects are asked for by name; of more, those
// of all are listed.
const mostNamed = 200

// Refresh makes sure that what is known of the objects of applications, of the kinds that
// are followed, is no older than now, however far their watches are behind: another
// process may have written until a moment ago. What is being found out to be gone may be
// known of a little longer.
func (c *Cluster) Refresh(ctx context.Context, apps []string) error {
	if len(apps) == 0 {
		return nil
	}
	if len(apps) > mostNamed {
		return c.RefreshAll(ctx)
	}
	labels, words := map[string]bool{}, make([]string, len(apps))
	for i, app := range apps {
		words[i] = api.AppLabel(app)
		labels[words[i]] = true
	}
	selector := fmt.Sprintf("%s in (%s)", api.LabelApp, strings.Join(words, ","))
	return c.refresh(ctx, selector, func(live *diff.Live) bool { return labels[api.AppLabel(live.App)] })
}

// RefreshAll is Refresh of all applications.
func (c *Cluster) RefreshAll(ctx context.Context) error {
	return c.refresh(ctx, api.LabelApp, func(*diff.Live) bool { return true })
}

// refresh lists what a selector matches, of all kinds that are followed.
func (c *Cluster) refresh(ctx context.Context, selector string, of func(*diff.Live) bool) error {
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
			err := w.refresh(ctx, selector, func(live *diff.Live) bool { return w.has(live) && of(live) })
			if err != nil && !apierrors.IsNotFound(err) { // else the kind itself is gone
				return fmt.Errorf("list live objects of kind %s: %w", w.gvk.Kind, err)
			}
			return nil
		})
	}
	return g.Wait()
}

// refresh takes a listing of all objects of some, which must not be one of a cache that
// lags.
func (w *watcher) refresh(ctx context.Context, selector string, of func(*diff.Live) bool) error {
	rules := w.cluster.ruled()
	var records []*diff.Live
	options := metav1.ListOptions{LabelSelector: selector, Limit: renewPage}
	for {
		list, err := w.client.List(ctx, options)
		if err != nil {
			return err
		}
		for i := range list.Items {
			records = append(records, w.cluster.reduce(w.gvk, list.Items[i].Object))
		}
		if options.Continue = list.GetContinue(); options.Continue == "" {
			w.cluster.replaceSome(records, list.GetResourceVersion(), of, w.gvk)
			w.cluster.outdate(w.gvk, rules)
			return nil
		}
	}
}
