package cluster

import (
	"context"
	"time"

	"github.com/tidelock-io/tidelock/agent/health/script"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
)

// Rules say how records are made of objects, for all applications.
type Rules struct {
	// Health are checks that come before the built-in ones.
	Health *script.Set
	// Installation, if not empty, is what objects of ours are marked with.
	Installation string
	// Beside is how the agent marks objects that this one looks on at, if there is one.
	Beside Tracking
}

func (c *Cluster) ruled() Rules {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rules
}

// Configure sets the rules. The kinds that they judge otherwise than before are
// listed once more, soon, for records hold too little to be judged anew.
func (c *Cluster) Configure(rules Rules) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.rules
	if old == rules {
		return
	}
	c.rules = rules
	for of := range c.watches {
		c.compareRules(of.gvk, old)
	}
}

// outdate is told which rules records of a kind were made by: there may be others
// by now.
func (c *Cluster) outdate(gvk schema.GroupVersionKind, rules Rules) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.compareRules(gvk, rules)
}

// compareRules has a kind renewed if the rules are not those that it was judged
// by. The caller holds c.mu.
func (c *Cluster) compareRules(gvk schema.GroupVersionKind, old Rules) {
	kind := gvk.GroupKind()
	if old.Installation != c.rules.Installation || old.Beside != c.rules.Beside || old.Health.For(kind) != c.rules.Health.For(kind) {
		c.stale[gvk] = true
		_ = c.renew.ring()
	}
}

// renewPage is how many objects are listed at a time.
const renewPage = 250

// renewalPause is how long to wait before kinds are listed again that could not
// be.
const renewalPause = 5 * time.Second

// renewRecords makes new records of stale kinds until ctx ends.
func (c *Cluster) renewRecords(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.renew:
		}
		_ = wait.PollUntilContextCancel(ctx, renewalPause, true, func(ctx context.Context) (bool, error) {
			done := true
			for _, w := range c.takeStale() {
				if err := w.relist(ctx); err != nil {
					c.log.Warn("cannot judge objects by the new settings yet", "kind", w.gvk.Kind, "error", err)
					c.mu.Lock()
					c.stale[w.gvk] = true
					c.mu.Unlock()
					done = false
				}
			}
			return done, nil
		})
	}
}

func (c *Cluster) takeStale() (watchers []*watcher) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for of, w := range c.watches {
		if c.stale[of.gvk] {
			watchers = append(watchers, w)
		}
	}
	clear(c.stale)
	return watchers
}

// relist takes all objects of a feed once more. The watch goes on, and says what
// has gone.
func (w *watcher) relist(ctx context.Context) error {
	options := metav1.ListOptions{LabelSelector: w.cluster.selector(), Limit: renewPage}
	for {
		list, err := w.client.List(ctx, options)
		if err != nil {
			return err
		}
		for i := range list.Items {
			w.cluster.ingest(w.gvk, list.Items[i].Object)
		}
		if options.Continue = list.GetContinue(); options.Continue == "" {
			return nil
		}
	}
}
