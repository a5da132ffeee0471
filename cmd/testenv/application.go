package testenv

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/tidelock-io/tidelock/agent/api"
)

// Applications is the resource.
var Applications = api.GroupVersion.WithResource(api.ApplicationResource)

// ReadApplication converts what a watch gave.
func ReadApplication(object *unstructured.Unstructured) (*api.Application, error) {
	app := new(api.Application)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, app); err != nil {
		return nil, fmt.Errorf("application %s: %w", object.GetName(), err)
	}
	return app, nil
}

// UntilApplication waits for an Application. See [Cluster.Until].
func (c *Cluster) UntilApplication(ctx context.Context, namespace, name string, met func(*api.Application) bool) error {
	return c.Until(ctx, Applications, namespace, name, func(object *unstructured.Unstructured) (bool, string) {
		if object == nil {
			return false, "absent"
		}
		app, err := ReadApplication(object)
		if err != nil {
			return false, err.Error()
		}
		return met(app), Describe(app)
	})
}

// Synced is met when the Application is Synced and Healthy, and no operation runs.
func Synced(app *api.Application) bool {
	status := app.Status
	return status.Sync.Status == api.SyncCodeSynced && status.Health.Status == api.HealthHealthy &&
		!running(status.OperationState)
}

// SyncedAt is met when the Application is [Synced] at a commit. An Application of
// which a commit changes nothing may name the one before for a minute.
func SyncedAt(revision string) func(*api.Application) bool {
	return func(app *api.Application) bool { return app.Status.Sync.Revision == revision && Synced(app) }
}

func running(operation *api.OperationState) bool {
	return operation != nil && !operation.Phase.Completed()
}

// Describe says in a line how an Application is.
func Describe(app *api.Application) string {
	s := app.Status
	words := []string{orNone(string(s.Sync.Status)), orNone(string(s.Health.Status))}
	if s.Sync.Revision != "" {
		words = append(words, "at "+Short(s.Sync.Revision))
	}
	if operation := s.OperationState; operation != nil {
		words = append(words, fmt.Sprintf("operation %s: %s", operation.Phase, operation.Message))
	}
	for _, condition := range s.Conditions {
		words = append(words, fmt.Sprintf("%s: %s", condition.Type, condition.Message))
	}
	return strings.Join(words, ", ")
}

func orNone(word string) string {
	if word == "" {
		return "no status"
	}
	return word
}

// Short returns the beginning of a commit's id.
func Short(revision string) string { return revision[:min(len(revision), 7)] }
