package sets

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/project"
	"github.com/tidelock-io/tidelock/agent/rival"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// A store knows the ApplicationSets of the agent's namespace, and of others that it is
// told to follow.
type store struct {
	client    rest.Interface
	namespace string
	changed   func(types.NamespacedName)
	reflector atomic.Pointer[cache.Reflector] // the present one
	once      sync.Once
	synced    chan struct{} // closed when the first listing is in

	mu        sync.RWMutex // guards all below
	sets      map[types.NamespacedName]*api.ApplicationSet
	elsewhere project.Namespaces
	anew      chan struct{} // closed when there is another elsewhere
}

func newStore(client rest.Interface, namespace string, elsewhere project.Namespaces, changed func(types.NamespacedName)) *store {
	return &store{
		client: client, namespace: namespace, elsewhere: elsewhere, changed: changed, synced: make(chan struct{}), anew: make(chan struct{}),
		sets: map[types.NamespacedName]*api.ApplicationSet{},
	}
}

// follow has the sets of other namespaces followed from now on, beside those of the
// agent's own.
func (s *store) follow(elsewhere project.Namespaces) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.elsewhere = elsewhere
	close(s.anew)
	s.anew = make(chan struct{})
}

// follows says that the sets of a namespace are followed.
func (s *store) follows(namespace string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return namespace == s.namespace || s.elsewhere.Has(namespace)
}

// scope is the namespace to list: all, if there are several, of which there are no
// watches.
func (s *store) scope() string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.elsewhere.None() {
		return s.namespace
	}
	return metav1.NamespaceAll
}

// run follows the sets until ctx ends.
func (s *store) run(ctx context.Context) {
	for ctx.Err() == nil {
		s.runOnce(ctx)
	}
}

// runOnce follows them until ctx ends, or those of other namespaces are asked for: what
// is listed then is in the place of what was known.
func (s *store) runOnce(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.mu.RLock()
	anew := s.anew
	s.mu.RUnlock()
	namespace := s.scope()
	lw := cache.NewListWatchFromClient(s.client, api.ApplicationSetResource, namespace, fields.Everything())
	reflector := cache.NewReflectorWithOptions(lw, &api.ApplicationSet{}, s, cache.ReflectorOptions{Name: api.ApplicationSetResource})
	s.reflector.Store(reflector)
	var g errgroup.Group
	g.Go(func() error {
		reflector.RunWithContext(ctx)
		return nil
	})
	select {
	case <-ctx.Done():
	case <-anew:
	}
	cancel()
	_ = g.Wait() // it has none
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
func (s *store) get(name types.NamespacedName) *api.ApplicationSet {
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
func (s *store) patch(ctx context.Context, name types.NamespacedName, patch []byte, subresource ...string) (*api.ApplicationSet, error) {
	set := &api.ApplicationSet{}
	err := s.client.Patch(types.MergePatchType).Namespace(name.Namespace).Resource(api.ApplicationSetResource).Name(name.Name).SubResource(subresource...).
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

// catchUp reads a set of which something newer is stored than is known. It asks for a
// listing of the one, for which no other right is needed than for that of all.
func (s *store) catchUp(ctx context.Context, name types.NamespacedName) {
	list := &api.ApplicationSetList{}
	err := s.client.Get().Namespace(name.Namespace).Resource(api.ApplicationSetResource).
		VersionedParams(&metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("metadata.name", name.Name).String()}, metav1.ParameterCodec).
		Do(ctx).Into(list)
	if err != nil {
		return // the watch will tell
	}
	for i := range list.Items {
		if list.Items[i].Name == name.Name {
			s.keep(&list.Items[i])
		}
	}
}

// keep stores a set unless a newer one is known, and reports whether there is anything
// in it that was not known.
func (s *store) keep(set *api.ApplicationSet) bool {
	set.ManagedFields = rival.KeptOfSet(set.ManagedFields)
	s.mu.Lock()
	defer s.mu.Unlock()
	key := nameOf(set)
	old := s.sets[key]
	if old != nil && !newer(set.ResourceVersion, old.ResourceVersion) {
		return false
	}
	if set.DeletionTimestamp != nil && len(set.Finalizers) == 0 {
		delete(s.sets, key) // the answer to our own patch: its end follows
		return true
	}
	s.sets[key] = set
	return old == nil || old.UID != set.UID || !equal(old, set)
}

func nameOf(set *api.ApplicationSet) types.NamespacedName {
	return types.NamespacedName{Namespace: set.Namespace, Name: set.Name}
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
	if set := obj.(*api.ApplicationSet); s.follows(set.Namespace) && s.keep(set) {
		s.changed(nameOf(set))
	}
	return nil
}

func (s *store) Update(obj any) error { return s.Add(obj) }

func (s *store) Delete(obj any) error {
	set := obj.(*api.ApplicationSet)
	s.mu.Lock()
	delete(s.sets, nameOf(set))
	s.mu.Unlock()
	s.changed(nameOf(set))
	return nil
}

func (s *store) Replace(list []any, _ string) error {
	listed := map[types.NamespacedName]bool{}
	for _, item := range list {
		if set := item.(*api.ApplicationSet); s.follows(set.Namespace) {
			listed[nameOf(set)] = true
		}
		if err := s.Add(item); err != nil {
			return err
		}
	}
	for _, set := range s.list() {
		if !listed[nameOf(set)] {
			if err := s.Delete(set); err != nil {
				return err
			}
		}
	}
	s.once.Do(func() { close(s.synced) })
	return nil
}

func (s *store) Resync() error { return nil }
