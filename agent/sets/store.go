package sets

import (
	"context"
	"fmt"
	"sync"

	"github.com/tidelock-io/tidelock/agent/api"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// A store knows the ApplicationSets of the agent's namespace.
type store struct {
	client    rest.Interface
	namespace string
	changed   func(name string)
	once      sync.Once
	synced    chan struct{} // closed when the first listing is in

	mu   sync.RWMutex // guards sets
	sets map[string]*api.ApplicationSet
}

func newStore(client rest.Interface, namespace string, changed func(string)) *store {
	return &store{
		client: client, namespace: namespace, changed: changed, synced: make(chan struct{}),
		sets: map[string]*api.ApplicationSet{},
	}
}

// run follows the sets until ctx ends.
func (s *store) run(ctx context.Context) {
	lw := cache.NewListWatchFromClient(s.client, api.ApplicationSetResource, s.namespace, fields.Everything())
	cache.NewReflectorWithOptions(lw, &api.ApplicationSet{}, s, cache.ReflectorOptions{Name: api.ApplicationSetResource}).RunWithContext(ctx)
}

func (s *store) wait(ctx context.Context) error {
	select {
	case <-s.synced:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("list ApplicationSets in namespace %s: %w", s.namespace, ctx.Err())
	}
}

// get returns a set, which must not be changed, or nil.
func (s *store) get(name string) *api.ApplicationSet {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.sets[name]
}

// list returns all sets, in no order.
func (s *store) list() []*api.ApplicationSet {
	s.mu.RLock()
	defer s.mu.RUnlock()
	list := make([]*api.ApplicationSet, 0, len(s.sets))
	for _, set := range s.sets {
		list = append(list, set)
	}
	return list
}

// patch sends a JSON merge patch to a set, or to a subresource of it.
func (s *store) patch(ctx context.Context, name string, patch []byte, subresource ...string) (*api.ApplicationSet, error) {
	set := &api.ApplicationSet{}
	err := s.client.Patch(types.MergePatchType).Namespace(s.namespace).Resource(api.ApplicationSetResource).Name(name).SubResource(subresource...).
		Param("fieldManager", "tidelock").Body(patch).Do(ctx).Into(set)
	if apierrors.IsConflict(err) {
		s.catchUp(ctx, name)
	}
	if err != nil {
		return nil, err
	}
	s.keep(set)
	return set, nil
}

// catchUp reads a set of which something newer is stored than is known.
func (s *store) catchUp(ctx context.Context, name string) {
	set := &api.ApplicationSet{}
	if err := s.client.Get().Namespace(s.namespace).Resource(api.ApplicationSetResource).Name(name).Do(ctx).Into(set); err == nil {
		s.keep(set)
	}
}

// keep stores a set unless a newer one is known, and reports whether there is anything
// in it that was not known.
func (s *store) keep(set *api.ApplicationSet) bool {
	set.ManagedFields = nil
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.sets[set.Name]
	if old != nil && !newer(set.ResourceVersion, old.ResourceVersion) {
		return false
	}
	if set.DeletionTimestamp != nil && len(set.Finalizers) == 0 {
		delete(s.sets, set.Name) // the answer to our own patch: its end follows
		return true
	}
	s.sets[set.Name] = set
	return old == nil || old.UID != set.UID || !equal(old, set)
}

func newer(a, b string) bool {
	order, err := resourceversion.CompareResourceVersion(a, b)
	return err != nil || order > 0
}

// equal compares what a pass depends on.
func equal(a, b *api.ApplicationSet) bool {
	same := equality.Semantic.DeepEqual
	return same(a.Spec, b.Spec) && same(a.Annotations, b.Annotations) && same(a.Finalizers, b.Finalizers) &&
		same(a.DeletionTimestamp, b.DeletionTimestamp) && same(a.Status, b.Status)
}

// Add, Update, Delete, Replace and Resync make it a cache.ReflectorStore.
func (s *store) Add(obj any) error {
	if set := obj.(*api.ApplicationSet); s.keep(set) {
		s.changed(set.Name)
	}
	return nil
}

func (s *store) Update(obj any) error { return s.Add(obj) }

func (s *store) Delete(obj any) error {
	set := obj.(*api.ApplicationSet)
	s.mu.Lock()
	delete(s.sets, set.Name)
	s.mu.Unlock()
	s.changed(set.Name)
	return nil
}

func (s *store) Replace(list []any, _ string) error {
	listed := map[string]bool{}
	for _, item := range list {
		listed[item.(*api.ApplicationSet).Name] = true
		if err := s.Add(item); err != nil {
			return err
		}
	}
	for _, set := range s.list() {
		if !listed[set.Name] {
			if err := s.Delete(set); err != nil {
				return err
			}
		}
	}
	s.once.Do(func() { close(s.synced) })
	return nil
}

func (s *store) Resync() error { return nil }
