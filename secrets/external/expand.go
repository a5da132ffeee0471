package external

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tidelock-io/tidelock/render/manifest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// A Namespacer lists the namespaces of a cluster with their labels.
type Namespacer interface {
	Namespaces(ctx context.Context) (map[string]map[string]string, error)
}

// maxNamespaces bounds what one ClusterExternalSecret expands to.
const maxNamespaces = 1000

// forceSync is the annotation that a ClusterExternalSecret hands on.
const forceSync = "force-sync"

// IsClusterKind reports whether o is a ClusterExternalSecret.
func IsClusterKind(o *manifest.Object) bool {
	return o.Key.Group == group && o.Key.Kind == "ClusterExternalSecret"
}

// clusterSpec is spec of a ClusterExternalSecret.
type clusterSpec struct {
	ExternalSecretSpec     json.RawMessage `json:"externalSecretSpec"`
	ExternalSecretName     string          `json:"externalSecretName"`
	ExternalSecretMetadata struct {
		Annotations map[string]string `json:"annotations"`
		Labels      map[string]string `json:"labels"`
	} `json:"externalSecretMetadata"`
	NamespaceSelector  *metav1.LabelSelector   `json:"namespaceSelector"`
	NamespaceSelectors []*metav1.LabelSelector `json:"namespaceSelectors"`
	Namespaces         []string                `json:"namespaces"`
	RefreshTime        *string                 `json:"refreshTime"`
}

// Expand returns the ExternalSecrets that a ClusterExternalSecret stands for,
// by namespace, and after how long namespaces should be looked at again. A
// namespace that is stated must exist in the cluster, if there is one, or be in
// the render; labels count in the cluster alone, for a repository must not label
// its way to a secret.
func Expand(ctx context.Context, o *manifest.Object, render manifest.Set, cluster Namespacer) ([]*manifest.Object, time.Duration, error) {
	if !slices.Contains(versions[:2], o.Version) {
		return nil, 0, fmt.Errorf("%w: version %q is not known, v1 and v1beta1 are", ErrInvalid, o.Version)
	}
	var body struct {
		Spec clusterSpec `json:"spec"`
	}
	if err := json.Unmarshal(o.JSON(), &body); err != nil {
		return nil, 0, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	s := &body.Spec
	every := defaultRefresh
	if s.RefreshTime != nil {
		var err error
		if every, err = time.ParseDuration(*s.RefreshTime); err != nil || every <= 0 {
			return nil, 0, fmt.Errorf("%w: spec.refreshTime %q is no duration such as 1h", ErrInvalid, *s.RefreshTime)
		}
	}
	names, err := s.namespaces(ctx, render, cluster)
	if err != nil {
		return nil, 0, err
	}
	if len(names) > maxNamespaces {
		return nil, 0, fmt.Errorf("%w: %w: more than %d namespaces", ErrInvalid, manifest.ErrLimit, maxNamespaces)
	}
	out := make([]*manifest.Object, len(names))
	for i, namespace := range names {
		if out[i], err = s.externalSecret(o, namespace); err != nil {
			return nil, 0, err
		}
	}
	return out, every, nil
}

// namespaces are those that are stated, and those that any selector selects.
func (s *clusterSpec) namespaces(ctx context.Context, render manifest.Set, cluster Namespacer) ([]string, error) {
	selectors := s.NamespaceSelectors
	if s.NamespaceSelector != nil {
		selectors = append(selectors, s.NamespaceSelector)
	}
	if cluster == nil {
		if len(selectors) > 0 {
			return nil, fmt.Errorf("%w: the labels of namespaces are not known without a cluster", ErrRefused)
		}
		return slices.Compact(slices.Sorted(slices.Values(s.Namespaces))), nil
	}
	live, err := cluster.Namespaces(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the namespaces: %w", err)
	}
	chosen := map[string]bool{}
	for _, name := range s.Namespaces {
		if _, ok := live[name]; ok || render.Find(manifest.Key{Kind: "Namespace", Name: name}) != nil {
			chosen[name] = true
		}
	}
	for i, selector := range selectors {
		match, err := metav1.LabelSelectorAsSelector(selector)
		if err != nil {
			return nil, fmt.Errorf("%w: spec.namespaceSelectors[%d]: %w", ErrInvalid, i, err)
		}
		for name, set := range live {
			if match.Matches(labels.Set(set)) {
				chosen[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(chosen)), nil
}

// externalSecret is the one that the controller would make in a namespace.
func (s *clusterSpec) externalSecret(o *manifest.Object, namespace string) (*manifest.Object, error) {
	name := s.ExternalSecretName
	if name == "" {
		name = o.Key.Name
	}
	annotations := s.ExternalSecretMetadata.Annotations
	if value, ok := o.Annotations[forceSync]; ok {
		annotations = withAnnotation(annotations, forceSync, value)
	}
	meta := map[string]any{"name": name, "namespace": namespace}
	if len(s.ExternalSecretMetadata.Labels) > 0 {
		meta["labels"] = anyMap(s.ExternalSecretMetadata.Labels)
	}
	if len(annotations) > 0 {
		meta["annotations"] = anyMap(annotations)
	}
	var spec map[string]any
	if err := json.Unmarshal(s.ExternalSecretSpec, &spec); err != nil {
		return nil, fmt.Errorf("%w: spec.externalSecretSpec: %w", ErrInvalid, err)
	}
	return manifest.New(map[string]any{
		"apiVersion": o.APIVersion(), "kind": "ExternalSecret", "metadata": meta, "spec": spec,
	}, o.Origin)
}
