package agent

import (
	"context"
	"fmt"

	"github.com/tidelock-io/tidelock/agent/api"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
)

// A Sweep finds out whether Applications are deleted because all that holds them is:
// whoever deletes a CustomResourceDefinition or a Namespace hardly means what the
// Applications in it have deployed.
type Sweep struct{ client metadata.Interface }

// NewSweep returns one of the agent's own cluster.
func NewSweep(cfg *rest.Config) (*Sweep, error) {
	client, err := metadata.NewForConfig(cfg)
	if err != nil {
		return nil, err
	}
	return &Sweep{client}, nil
}

// Holders of Applications.
var (
	definitionsResource = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	namespacesResource  = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
)

// Going names what is being deleted with all Applications of a namespace in it, "" if
// nothing is.
func (s *Sweep) Going(ctx context.Context, namespace string) (string, error) {
	definition := api.ApplicationResource + "." + api.GroupVersion.Group
	for _, holder := range []struct {
		what, name string
		resource   schema.GroupVersionResource
	}{
		{"CustomResourceDefinition " + definition, definition, definitionsResource},
		{"Namespace " + namespace, namespace, namespacesResource},
	} {
		found, err := s.client.Resource(holder.resource).Get(ctx, holder.name, metav1.GetOptions{})
		switch {
		case apierrors.IsForbidden(err), apierrors.IsNotFound(err): // an agent with rights of its own
		case err != nil:
			return "", fmt.Errorf("read %s: %w", holder.what, err)
		case found.DeletionTimestamp != nil:
			return holder.what, nil
		}
	}
	return "", nil
}
