package keyring

import (
	"context"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/cache"
)

// A follower keeps the objects of one listing, in one namespace as a rule: the store of a
// reflector.
type follower[T metav1.Object] struct {
	kind    runtime.Object
	lw      *cache.ListWatch
	changed func()
	key     func(T) string // its name, unless there is one of a name in each namespace
	once    sync.Once
	synced  chan struct{} // closed after the first listing

	mu      sync.RWMutex // guards objects
	objects map[string]T
}

func follow[T metav1.Object](kind runtime.Object, changed func(), lw *cache.ListWatch) *follower[T] {
	return &follower[T]{kind: kind, lw: lw, changed: changed, key: func(o T) string { return o.GetName() }, synced: make(chan struct{}), objects: map[string]T{}}
}

func (f *follower[T]) run(ctx context.Context) {
	cache.NewReflectorWithOptions(f.lw, f.kind, f, cache.ReflectorOptions{}).RunWithContext(ctx)
}

func (f *follower[T]) done() <-chan struct{} { return f.synced }

// list returns the objects, in no order.
func (f *follower[T]) list() []T {
	f.mu.RLock()
	defer f.mu.RUnlock()
	list := make([]T, 0, len(f.objects))
	for _, s := range f.objects {
		list = append(list, s)
	}
	return list
}

// get returns one object.
func (f *follower[T]) get(name string) (T, bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	object, ok := f.objects[name]
	return object, ok
}

// keep takes an object that the API server has answered with, until the watch tells
// of it, too.
func (f *follower[T]) keep(object T) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.objects[f.key(object)] = object
}

// Add, Update, Delete, Replace and Resync make it a cache.ReflectorStore.
func (f *follower[T]) Add(obj any) error {
	object := obj.(T)
	f.mu.Lock()
	f.objects[f.key(object)] = object
	f.mu.Unlock()
	f.changed()
	return nil
}

func (f *follower[T]) Update(obj any) error { return f.Add(obj) }

func (f *follower[T]) Delete(obj any) error {
	f.mu.Lock()
	delete(f.objects, f.key(obj.(T)))
	f.mu.Unlock()
	f.changed()
	return nil
}

func (f *follower[T]) Replace(list []any, _ string) error {
	f.mu.Lock()
	same := f.holds(list)
	clear(f.objects)
	for _, item := range list {
		object := item.(T)
		f.objects[f.key(object)] = object
	}
	f.mu.Unlock()
	f.once.Do(func() { close(f.synced) })
	if !same {
		f.changed()
	}
	return nil
}

// holds says that a listing is what is known already: a watch that cannot go on where it
// was begins with one. The caller holds f.mu.
func (f *follower[T]) holds(list []any) bool {
	select {
	case <-f.synced:
	default:
		return false
	}
	for _, item := range list {
		now := item.(T)
		was, known := f.objects[f.key(now)]
		if !known || was.GetUID() != now.GetUID() || was.GetResourceVersion() != now.GetResourceVersion() {
			return false
		}
	}
	return len(list) == len(f.objects)
}

func (f *follower[T]) Resync() error { return nil }
