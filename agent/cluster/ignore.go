package cluster

import (
	"context"
	"fmt"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// reading bounds how many objects are read at a time when rules have changed.
const reading = 8

// Ignore sets in what an application's differences do not count. If that is new,
// the objects that it is about are read once, for their records say nothing of
// single fields.
func (c *Cluster) Ignore(ctx context.Context, app string, ignore *diff.Ignore) error {
	concerned := c.setIgnore(app, ignore)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(reading)
	for _, live := range concerned {
		g.Go(func() error { return c.read(ctx, live) })
	}
	if err := g.Wait(); err != nil {
		c.setIgnore(app, nil) // to be set anew
		return err
	}
	return nil
}

// ignored finds the places of an object in which differences do not count.
func (c *Cluster) ignored(live *diff.Live, object map[string]any, last *diff.Places) *diff.Places {
	c.mu.Lock()
	ignore := c.ignores[live.App]
	c.mu.Unlock()
	return ignore.Places(live.Key, object, last)
}

// Forget drops what is kept of an application that is gone.
func (c *Cluster) Forget(app string) {
	c.setIgnore(app, nil)
	c.unexpect(app)
}

// setIgnore returns the records whose digests are out of date by it.
func (c *Cluster) setIgnore(app string, ignore *diff.Ignore) (concerned []*diff.Live) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.ignores[app]
	if old.Equal(ignore) {
		return nil
	}
	for _, name := range []string{app, api.AppLabel(app)} { // what has no tracking id is known by its label
		c.ignores[name] = ignore
		if ignore == nil {
			delete(c.ignores, name)
		}
		for key := range c.byApp[name] {
			if old.Concerns(key) || ignore.Concerns(key) {
				concerned = append(concerned, c.records[key])
			}
		}
		if name == api.AppLabel(name) {
			break // the label is the name
		}
	}
	return concerned
}

// read makes a new record of an object. Its baseline was measured otherwise, and
// does not count any more.
func (c *Cluster) read(ctx context.Context, live *diff.Live) error {
	gvk := live.Key.GroupKind().WithVersion(live.Version)
	object, err := c.Get(ctx, gvk, live.Key.Namespace, live.Key.Name)
	if apierrors.IsNotFound(err) {
		return nil // the watch will tell
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", live.Key, err)
	}
	next := c.reduce(gvk, object)
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.records[live.Key]
	if old == nil || old.UID != next.UID || olderThan(next.ResourceVersion, old.ResourceVersion) {
		return nil
	}
	c.drop(old)
	c.add(next)
	return nil
}
