package agent

import (
	"context"
	"fmt"

	"github.com/tidelock-io/tidelock/agent/api"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// owns says whether an Application is this process's to work on.
func (a *Agent) owns(app types.NamespacedName) bool { return a.Owns == nil || a.Owns(app) }

// Owned lists the Applications that this process works on, which must not be changed.
func (a *Agent) Owned() (owned []*api.Application) {
	for _, app := range a.applications.List() {
		if a.owns(nameOf(app)) {
			owned = append(owned, app)
		}
	}
	return owned
}

// Drain ends the passes over Applications that are not this process's any more, waits
// until they have ended, and drops what is kept of these. What a pass was doing stands
// in status.
func (a *Agent) Drain(ctx context.Context) {
	others := func(app types.NamespacedName) bool { return !a.owns(app) }
	a.running.Interrupt(ctx, others)
	if ctx.Err() != nil {
		return
	}
	for _, app := range a.reconciler.Release(others) {
		if a.Released != nil {
			a.Released(app)
		}
		a.queue.Add(app) // for what is known of it from elsewhere
	}
}

// Refresh makes sure that what is known of Applications is no older than now.
func (a *Applications) Refresh(ctx context.Context) error {
	list := &api.ApplicationList{}
	a.mu.RLock()
	namespace := a.listed()
	a.mu.RUnlock()
	if err := a.client.Get().Namespace(namespace).Resource("applications").Do(ctx).Into(list); err != nil {
		return fmt.Errorf("list Applications: %w", err)
	}
	found := make(map[types.NamespacedName]bool, len(list.Items))
	for i := range list.Items {
		found[nameOf(&list.Items[i])] = true
		if err := a.Add(&list.Items[i]); err != nil {
			return err
		}
	}
	for _, app := range a.List() {
		if !found[nameOf(app)] && newer(list.ResourceVersion, app.ResourceVersion) {
			if err := a.Delete(app); err != nil {
				return err
			}
		}
	}
	return nil
}

// listed is the namespace to list, for there are no lists and watches of several. The
// caller holds a.mu.
func (a *Applications) listed() string {
	if a.elsewhere.None() {
		return a.namespace
	}
	return metav1.NamespaceAll
}
