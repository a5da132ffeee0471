package external

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/render/manifest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// storeSpec is what the host needs of a store.
type storeSpec struct {
	Controller string         `json:"controller"`
	Conditions []condition    `json:"conditions"`
	Provider   map[string]any `json:"provider"`
}

// A condition names namespaces that may use a ClusterSecretStore.
type condition struct {
	Namespaces        []string              `json:"namespaces"`
	NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector"`
	NamespaceRegexes  []string              `json:"namespaceRegexes"`
}

// allows returns ErrRefused unless some condition holds for namespace, or there
// are none. Within one condition, too, any match suffices.
func (s storeSpec) allows(ctx context.Context, cluster sdk.Objects, namespace string) error {
	if len(s.Conditions) == 0 {
		return nil
	}
	for _, c := range s.Conditions {
		ok, err := c.holds(ctx, cluster, namespace)
		if err != nil {
			return fmt.Errorf("spec.conditions: %w", err)
		}
		if ok {
			return nil
		}
	}
	return fmt.Errorf("%w: its spec.conditions do not allow namespace %q", ErrRefused, namespace)
}

func (c condition) holds(ctx context.Context, cluster sdk.Objects, namespace string) (bool, error) {
	if slices.Contains(c.Namespaces, namespace) {
		return true, nil
	}
	for _, text := range c.NamespaceRegexes {
		pattern, err := regexp.Compile(text)
		if err != nil {
			return false, fmt.Errorf("%w: namespaceRegexes: %w", ErrInvalid, err)
		}
		if pattern.MatchString(namespace) {
			return true, nil
		}
	}
	if c.NamespaceSelector == nil {
		return false, nil
	}
	selector, err := metav1.LabelSelectorAsSelector(c.NamespaceSelector)
	if err != nil {
		return false, fmt.Errorf("%w: namespaceSelector: %w", ErrInvalid, err)
	}
	set, err := namespaceLabels(ctx, cluster, namespace)
	return err == nil && selector.Matches(set), err
}

// namespaceLabels asks the cluster, not the render: a repository must not label
// its way into a store.
func namespaceLabels(ctx context.Context, cluster sdk.Objects, namespace string) (labels.Set, error) {
	if cluster == nil {
		return nil, fmt.Errorf("%w: the labels of namespace %q are not known without a cluster", ErrRefused, namespace)
	}
	raw, err := cluster.Get(ctx, "v1", "Namespace", "", namespace)
	if err != nil {
		return nil, fmt.Errorf("namespace %q: %w", namespace, err)
	}
	var body metav1.PartialObjectMetadata
	if err := json.Unmarshal(raw, &body); err != nil {
		return nil, fmt.Errorf("%w: namespace %q", ErrInvalid, namespace)
	}
	return body.Labels, nil
}

// Admits returns ErrRefused if a store's conditions do not let a namespace use it.
// Labels of the namespace are asked of the cluster.
func Admits(ctx context.Context, store *manifest.Object, cluster sdk.Objects, namespace string) error {
	var body struct {
		Spec storeSpec `json:"spec"`
	}
	if err := json.Unmarshal(store.JSON(), &body); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if store.Key.Kind != clusterStoreKind {
		return nil
	}
	return body.Spec.allows(ctx, cluster, namespace)
}
