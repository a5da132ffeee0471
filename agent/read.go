package agent

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidelock-io/tidelock/agent/api"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
)

// Read asks for one Application and its AppProject once, in place of Run: for a
// command that ends soon, and that may have no right to list them. A project that
// is not there is no error here, but is one to whoever asks for its rules.
func (a *Applications) Read(ctx context.Context, namespace, name string) (*api.Application, error) {
	app := &api.Application{}
	err := a.client.Get().Namespace(namespace).Resource("applications").Name(name).Do(ctx).Into(app)
	if err != nil {
		return nil, fmt.Errorf("read application %s/%s: %w", namespace, name, err)
	}
	project := &api.AppProject{}
	err = a.client.Get().Namespace(a.namespace).Resource("appprojects").Name(app.Spec.ProjectName()).Do(ctx).Into(project)
	switch {
	case apierrors.IsNotFound(err):
	case err != nil:
		return nil, fmt.Errorf("read AppProject %s/%s: %w", a.namespace, app.Spec.ProjectName(), err)
	default:
		if err := a.store.Add(project); err != nil {
			return nil, err
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.apps[types.NamespacedName{Namespace: namespace, Name: name}] = app
	return app, nil
}

// ReadAll asks for the Applications of a namespace, or of all if it is empty, and for all
// AppProjects once, in place of Run.
func (a *Applications) ReadAll(ctx context.Context, namespace string) error {
	apps, projects := &api.ApplicationList{}, &api.AppProjectList{}
	if err := a.client.Get().Namespace(namespace).Resource(api.ApplicationResource).Do(ctx).Into(apps); err != nil {
		return fmt.Errorf("list Applications: %w", err)
	}
	if err := a.client.Get().Namespace(a.namespace).Resource("appprojects").Do(ctx).Into(projects); err != nil {
		return fmt.Errorf("list AppProjects in namespace %s: %w", a.namespace, err)
	}
	var errs []error
	for i := range projects.Items {
		errs = append(errs, a.store.Add(&projects.Items[i]))
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range apps.Items {
		a.apps[nameOf(&apps.Items[i])] = &apps.Items[i]
	}
	return errors.Join(errs...)
}
