package sets

import (
	"context"
	"fmt"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"k8s.io/apimachinery/pkg/types"
)

// askAgain is how long to wait until another process is asked once more what it has seen
// of an Application: it does not tell by itself.
const askAgain = 2 * time.Second

func (c *Controller) mine(name types.NamespacedName) bool { return c.Mine == nil || c.Mine(name) }

// distant says that another process works on some of the set's Applications.
func (p *pass) distant() bool {
	for _, app := range p.owned() {
		if !p.c.mine(types.NamespacedName{Namespace: app.Namespace, Name: app.Name}) {
			return true
		}
	}
	return false
}

// Release drops what is kept of sets that are not this process's any more: no pass over
// them is made. What was done stands in the cluster.
func (c *Controller) Release() {
	for _, set := range c.store.list() {
		if !c.mine(nameOf(set)) {
			c.forget(nameOf(set))
		}
	}
}

// Gained asks for a pass over the sets that a function knows.
func (c *Controller) Gained(gained func(types.NamespacedName) bool) {
	for _, set := range c.store.list() {
		if gained(nameOf(set)) {
			c.queue.Add(nameOf(set))
		}
	}
}

// Newest is the newest version of a set that is known; "" if none is.
func (c *Controller) Newest() (newest string) {
	for _, set := range c.store.list() {
		if newest == "" || newer(set.ResourceVersion, newest) {
			newest = set.ResourceVersion
		}
	}
	return newest
}

// Await makes sure that what is known of sets is no older than what somebody knew whose
// Newest this was. If the watch has not come as far, they are listed.
func (c *Controller) Await(ctx context.Context, newest string) error {
	if r := c.store.reflector.Load(); r != nil {
		if at := r.LastSyncResourceVersion(); newest == "" || at != "" && !newer(newest, at) {
			return nil
		}
	}
	return c.CatchUp(ctx)
}

// CatchUp makes sure that what is known of sets is no older than now.
func (c *Controller) CatchUp(ctx context.Context) error {
	list := &api.ApplicationSetList{}
	err := c.store.client.Get().Namespace(c.store.scope()).Resource(api.ApplicationSetResource).Do(ctx).Into(list)
	if err != nil {
		return fmt.Errorf("list ApplicationSets: %w", err)
	}
	found := make(map[types.NamespacedName]bool, len(list.Items))
	for i := range list.Items {
		found[nameOf(&list.Items[i])] = true
		if err := c.store.Add(&list.Items[i]); err != nil {
			return err
		}
	}
	for _, set := range c.store.list() {
		if !found[nameOf(set)] && newer(list.ResourceVersion, set.ResourceVersion) {
			if err := c.store.Delete(set); err != nil {
				return err
			}
		}
	}
	return nil
}
