package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/render/manifest"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// A Looker reads what charts look up, in the name of users. It is safe for
// concurrent use.
type Looker struct {
	cfg    *rest.Config
	kinds  func(context.Context, schema.GroupVersionKind) (Kind, error)
	bounds Bounds

	mu sync.Mutex // guards by
	by map[string]dynamic.Interface
}

// NewLooker returns a Looker into the cluster that cfg reaches, which asks it for a
// kind each time.
func NewLooker(cfg *rest.Config) *Looker {
	l := &Looker{cfg: cfg, by: map[string]dynamic.Interface{}}
	l.kinds = l.ask
	return l
}

// Looker returns a Looker into the Cluster, which cfg reaches.
func (c *Cluster) Looker(cfg *rest.Config) *Looker {
	return &Looker{cfg: cfg, kinds: c.Kind, bounds: c.bounds, by: map[string]dynamic.Interface{}}
}

// ask finds a kind by discovery.
func (l *Looker) ask(_ context.Context, gvk schema.GroupVersionKind) (Kind, error) {
	client, err := discovery.NewDiscoveryClientForConfig(l.cfg)
	if err != nil {
		return Kind{}, err
	}
	list, err := client.ServerResourcesForGroupVersion(gvk.GroupVersion().String())
	if err != nil && !apierrors.IsNotFound(err) {
		return Kind{}, err
	}
	if list != nil {
		for _, r := range list.APIResources {
			if r.Kind == gvk.Kind && !strings.Contains(r.Name, "/") {
				return Kind{Resource: gvk.GroupVersion().WithResource(r.Name), Namespaced: r.Namespaced}, nil
			}
		}
	}
	return Kind{}, ErrKind
}

// Find returns an object as JSON, or without a name a list of all that are
// permitted; nil if there is none, or no such kind. Permit judges each object that
// is to be read. An empty user is the agent itself.
func (l *Looker) Find(ctx context.Context, user string, o sdk.Object, permit func(key manifest.Key, namespaced bool) error) (json.RawMessage, error) {
	gv, err := schema.ParseGroupVersion(o.APIVersion)
	if err != nil {
		return nil, err
	}
	kind, err := l.kinds(ctx, gv.WithKind(o.Kind))
	if errors.Is(err, ErrKind) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ask the cluster what it serves: %w", err)
	}
	client, err := l.client(user)
	if err != nil {
		return nil, err
	}
	key := manifest.Key{Group: gv.Group, Kind: o.Kind, Namespace: o.Namespace, Name: o.Name}
	if !kind.Namespaced {
		key.Namespace = ""
	}
	if err := l.bounds.Outside(key.Namespace, kind.Namespaced); err != nil {
		return nil, err
	}
	resources := client.Resource(kind.Resource).Namespace(key.Namespace)
	if o.Name == "" {
		return list(ctx, resources, key, kind.Namespaced, permit)
	}
	if kind.Namespaced && key.Namespace == "" {
		return nil, errors.New("the kind is namespaced: give lookup a namespace")
	}
	if err := permit(key, kind.Namespaced); err != nil {
		return nil, err
	}
	object, err := resources.Get(ctx, o.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return object.MarshalJSON()
}

// list reads all objects that are permitted. The list has no resource version: it
// would be another one at each look.
func list(ctx context.Context, resources dynamic.ResourceInterface, key manifest.Key, namespaced bool, permit func(manifest.Key, bool) error) (json.RawMessage, error) {
	found, err := resources.List(ctx, metav1.ListOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	permitted := &unstructured.UnstructuredList{Object: map[string]any{"apiVersion": found.GetAPIVersion(), "kind": found.GetKind()}}
	for _, item := range found.Items {
		key.Namespace, key.Name = item.GetNamespace(), item.GetName()
		if permit(key, namespaced) == nil {
			permitted.Items = append(permitted.Items, item)
		}
	}
	return permitted.MarshalJSON()
}

func (l *Looker) client(user string) (dynamic.Interface, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known := l.by[user]; known != nil {
		return known, nil
	}
	cfg := rest.CopyConfig(l.cfg)
	if user != "" {
		cfg.Impersonate = rest.ImpersonationConfig{UserName: user}
	}
	client, err := dynamic.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	l.by[user] = client
	return client, nil
}
