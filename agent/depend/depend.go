// Package depend says which Applications wait for which (annotation
// tidelock.io/depends-on), what one lacks for others to go on, and finds
// dependencies that go round. It is pure: hand it the Applications.
//
// Start with [On] and [Lacks]; [Round] finds what can never be met.
package depend

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
)

// most is how many Applications one may wait for.
const most = 100

// ErrList says that the annotation cannot be read. Nothing is waited for then,
// and nothing begins.
var ErrList = errors.New("annotation " + api.AnnotationDependsOn + " cannot be read")

// On lists the Applications that one waits for, each once, in the order of the
// annotation. NAME is in the namespace of the Application itself.
func On(app *api.Application) ([]types.NamespacedName, error) {
	entries := api.ParseList(app.Annotations[api.AnnotationDependsOn])
	if len(entries) > most {
		return nil, fmt.Errorf("%w: it has %d entries, and %d are the most: depend on one Application that depends on them", ErrList, len(entries), most)
	}
	var list []types.NamespacedName
	for _, entry := range entries {
		name := types.NamespacedName{Namespace: app.Namespace, Name: entry}
		if namespace, rest, ok := strings.Cut(entry, "/"); ok {
			name = types.NamespacedName{Namespace: namespace, Name: rest}
		}
		if len(validation.IsDNS1123Label(name.Namespace)) > 0 || len(validation.IsDNS1123Subdomain(name.Name)) > 0 {
			return nil, fmt.Errorf("%w: %.80q names no Application: give NAME or NAMESPACE/NAME, with commas between", ErrList, entry)
		}
		if !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list, nil
}

// A Finder returns an Application, or nil.
type Finder func(types.NamespacedName) *api.Application

// Visible narrows a Finder to what an Application may wait for, so that nobody
// learns by waiting what another's Application is called and how it is
// (SECURITY.md C14, C19): those of its own namespace, and those of its own
// project. From the agent's namespace, where administrators are, all are seen.
func Visible(app *api.Application, agentNamespace string, find Finder) Finder {
	return func(name types.NamespacedName) *api.Application {
		other := find(name)
		if other == nil || app.Namespace == agentNamespace || name.Namespace == app.Namespace ||
			other.Spec.ProjectName() == app.Spec.ProjectName() {
			return other
		}
		return nil
	}
}

// Syncing says that an operation is asked for, or at work.
func Syncing(app *api.Application) bool {
	op := app.Status.OperationState
	return app.Operation != nil || op != nil && !op.Phase.Completed()
}

// Lacks says what keeps an Application from being depended on, "" if nothing
// does: it has to be Synced and Healthy, by a comparison with its spec as it is
// now, and at rest. Nil is one that does not exist.
func Lacks(app *api.Application) string {
	switch {
	case app == nil:
		return "does not exist"
	case app.DeletionTimestamp != nil:
		return "is being deleted"
	case Syncing(app):
		return "is being synced"
	case app.Status.Sync.Status == "":
		return "has not been compared yet"
	case !equality.Semantic.DeepEqual(app.Status.Sync.ComparedTo, app.Spec.ComparedTo()):
		return "has not been compared since its spec changed"
	case app.Status.Sync.Status != api.SyncCodeSynced:
		return "is " + string(app.Status.Sync.Status)
	case app.Status.Health.Status == "":
		return "is of unknown health"
	case app.Status.Health.Status != api.HealthHealthy:
		return "is " + string(app.Status.Health.Status)
	}
	return ""
}
