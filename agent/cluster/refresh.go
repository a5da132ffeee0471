package cluster

import (
	"context"
	"fmt"
	"maps"
	"slices"
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
	selector, of := selecting(apps)
	return c.list(ctx, c.watchers(), selector, of)
}

// RefreshAll is Refresh of all applications.
func (c *Cluster) RefreshAll(ctx context.Context) error {
	return c.list(ctx, c.watchers(), api.LabelApp, func(*diff.Live) bool { return true })
}

// selecting is how the objects of applications are asked for, and told from others.
func selecting(apps []string) (selector string, of func(*diff.Live) bool) {
	if len(apps) > mostNamed {
		return api.LabelApp, func(*diff.Live) bool { return true }
	}
	labels, words := map[string]bool{}, make([]string, len(apps))
	for i, app := range apps {
		words[i] = api.AppLabel(app)
		labels[words[i]] = true
	}
	return fmt.Sprintf("%s in (%s)", api.LabelApp, strings.Join(words, ",")), func(live *diff.Live) bool { return labels[api.AppLabel(live.App)] }
}

func (c *Cluster) watchers() []*watcher {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Values(c.watches))
}

// list lists what a selector matches, of the kinds of watchers.
func (c *Cluster) list(ctx context.Context, watchers []*watcher, selector string, of func(*diff.Live) bool) error {
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
