package agent

import (
	"context"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/project"
	"golang.org/x/sync/errgroup"
)

// Follow has the Applications of other namespaces followed, beside those of the agent's
// own, from now on. Those of others are known no more: their objects stay as they are.
func (a *Applications) Follow(elsewhere project.Namespaces) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.elsewhere = elsewhere
	close(a.anew)
	a.anew = make(chan struct{})
}

// Follows says that the Applications of a namespace are followed.
func (a *Applications) Follows(namespace string) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return namespace == a.namespace || a.elsewhere.Has(namespace)
}

// followOnce follows Applications until ctx ends, or those of other namespaces are asked
// for: what is listed then is in the place of what was known.
func (a *Applications) followOnce(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a.mu.RLock()
	anew, namespace := a.anew, a.listed()
	a.mu.RUnlock()
	reflector := a.reflect("applications", namespace, &api.Application{}, a)
	a.reflector.Store(reflector)
	var g errgroup.Group
	g.Go(func() error {
		reflector.RunWithContext(ctx)
		return nil
	})
	select {
	case <-ctx.Done():
	case <-anew:
	}
	cancel()
	_ = g.Wait() // it has none
}
