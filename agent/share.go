package agent

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/tidelock-io/tidelock/agent/api"
	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
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

// Release drops what is kept of Applications that are not this process's any more: no
// pass over them is made. What one was doing stands in status.
func (a *Agent) Release() {
	for _, app := range a.reconciler.Release(func(app types.NamespacedName) bool { return !a.owns(app) }) {
		if a.Released != nil {
			a.Released(app)
		}
		a.queue.Add(app) // for what is known of it from elsewhere
	}
}

// Gained asks for a pass over the Applications that a function knows.
func (a *Agent) Gained(gained func(types.NamespacedName) bool) {
	for _, app := range a.applications.List() {
		if gained(nameOf(app)) {
			a.queue.Add(nameOf(app))
		}
	}
}

// atOnce is how many Applications are read at once.
const atOnce = 8

// Refresh makes sure that what is known of Applications is no older than now. Of those
// of which the newest is known, it reads no more than that.
func (a *Applications) Refresh(ctx context.Context) error {
	list := &metav1.PartialObjectMetadataList{}
	a.mu.RLock()
	namespace := a.listed()
	a.mu.RUnlock()
	raw, err := a.client.Get().Namespace(namespace).Resource(api.ApplicationResource).SetHeader("Accept", onlyMetadata).Do(ctx).Raw()
	if err == nil {
		err = json.Unmarshal(raw, list)
	}
	if err != nil {
		return fmt.Errorf("list Applications: %w", err)
	}
	found := make(map[types.NamespacedName]bool, len(list.Items))
	g, reading := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for _, item := range list.Items {
		name := types.NamespacedName{Namespace: item.Namespace, Name: item.Name}
		found[name] = true
		known := a.Application(name.Namespace, name.Name)
		if known != nil && !newer(item.ResourceVersion, known.ResourceVersion) || !a.Follows(name.Namespace) {
			continue
		}
		g.Go(func() error { return a.reread(reading, name) })
	}
	if err := g.Wait(); err != nil {
		return err
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

// onlyMetadata asks for no more of a list.
const onlyMetadata = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"

// reread reads an Application anew, if it is still there.
func (a *Applications) reread(ctx context.Context, name types.NamespacedName) error {
	app := &api.Application{}
	err := a.client.Get().Namespace(name.Namespace).Resource(api.ApplicationResource).Name(name.Name).Do(ctx).Into(app)
	switch {
	case apierrors.IsNotFound(err):
		return nil // the watch tells
	case err != nil:
		return fmt.Errorf("read application %s: %w", name, err)
	}
	return a.Add(app)
}

// listed is the namespace to list, for there are no lists and watches of several. The
// caller holds a.mu.
func (a *Applications) listed() string {
	if a.elsewhere.None() {
		return a.namespace
	}
	return metav1.NamespaceAll
}
