package agent

import (
	"context"

	"github.com/tidelock-io/tidelock/agent/api"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// tell has whoever follows Applications, too, hear of one.
func (a *Applications) tell(app *api.Application) {
	if a.Told != nil {
		a.Told(app)
	}
}

// Create stores an Application that is not there. It is known from then on: nobody need
// wait for the watch to tell.
func (a *Applications) Create(ctx context.Context, app *api.Application) error {
	stored := &api.Application{}
	err := a.client.Post().Namespace(app.Namespace).Resource(api.ApplicationResource).
		Param("fieldManager", "tidelock").Body(app).Do(ctx).Into(stored)
	if apierrors.IsAlreadyExists(err) {
		a.catchUp(ctx, app.Namespace, app.Name)
	}
	if err == nil && a.keep(stored) {
		a.changed(nameOf(stored))
	}
	return err
}

// Change sends a JSON merge patch to an Application, as Patch does, for somebody else than
// who makes passes over it: there is one now.
func (a *Applications) Change(ctx context.Context, namespace, name string, patch []byte) error {
	app, err := a.Patch(ctx, namespace, name, patch)
	if err == nil {
		a.changed(nameOf(app))
	}
	return err
}

// Remove asks for the end of this very Application, and of no other of its name. It is no
// error if it is gone.
func (a *Applications) Remove(ctx context.Context, app *api.Application) error {
	err := a.client.Delete().Namespace(app.Namespace).Resource(api.ApplicationResource).Name(app.Name).
		Body(&metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(app.UID))}).Do(ctx).Error()
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
