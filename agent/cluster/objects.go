package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
)

// Objects reads single objects of a cluster with the agent's own rights, for the
// secrets stage, which decides what may be seen. It is an sdk.Objects.
type Objects struct {
	*Cluster
	Client kubernetes.Interface
}

// Get returns an object as JSON. What is not there, and what is of a kind that
// is not served, is fs.ErrNotExist.
func (o Objects) Get(ctx context.Context, apiVersion, kind, namespace, name string) (json.RawMessage, error) {
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		return nil, fmt.Errorf("read %s %s/%s: %w", kind, namespace, name, err)
	}
	object, err := o.Cluster.Get(ctx, gv.WithKind(kind), namespace, name)
	switch {
	case apierrors.IsNotFound(err), errors.Is(err, ErrKind):
		return nil, fmt.Errorf("%s %s/%s: %w", kind, namespace, name, fs.ErrNotExist)
	case err != nil:
		return nil, fmt.Errorf("read %s %s/%s: %w", kind, namespace, name, err)
	}
	return json.Marshal(object)
}

// Namespaces lists the namespaces that are not going away, with their labels; of those
// that are out of bounds, none.
func (o Objects) Namespaces(ctx context.Context) (map[string]map[string]string, error) {
	list, err := o.namespaces(ctx)
	if err != nil {
		return nil, err
	}
	out := make(map[string]map[string]string, len(list))
	for _, namespace := range list {
		if namespace.DeletionTimestamp == nil {
			out[namespace.Name] = namespace.Labels
		}
	}
	return out, nil
}

func (o Objects) namespaces(ctx context.Context) ([]corev1.Namespace, error) {
	api := o.Client.CoreV1().Namespaces()
	if o.Bounds().Outside("", false) == nil {
		list, err := api.List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, err
		}
		return list.Items, nil
	}
	var all []corev1.Namespace
	for _, name := range o.Bounds().Namespaces { // a Role may give the right to read its own
		namespace, err := api.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		all = append(all, *namespace)
	}
	return all, nil
}

// Token returns a token of a ServiceAccount. It is made for the call and changes
// nothing in the cluster.
func (o Objects) Token(ctx context.Context, namespace, account string, audiences []string) (sdk.Material, error) {
	if err := o.Bounds().Outside(namespace, true); err != nil {
		return nil, fmt.Errorf("token of ServiceAccount %s/%s: %w", namespace, account, err)
	}
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: audiences}}
	made, err := o.Client.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, account, request, metav1.CreateOptions{})
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("ServiceAccount %s/%s: %w", namespace, account, fs.ErrNotExist)
	}
	if err != nil {
		return nil, fmt.Errorf("token of ServiceAccount %s/%s: %w", namespace, account, err)
	}
	return sdk.Material(made.Status.Token), nil
}
