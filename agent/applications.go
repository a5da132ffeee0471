package agent

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/cluster"
	"github.com/tidelock-io/tidelock/agent/project"
	"github.com/tidelock-io/tidelock/agent/rival"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// Applications knows the Applications of the agent's namespace, and of others that
// it is told to watch, and the AppProjects of its own.
// It is safe for concurrent use.
type Applications struct {
	client    rest.Interface
	namespace string
	*Projects

	// Turned, if not nil, is told of an Application as it was known, and as it is. It
	// must not block. Set it before Run.
	Turned func(was, now *api.Application)

	changed func(types.NamespacedName)
	left    func(types.NamespacedName) // is told of one that was deleted
	once    sync.Once
	synced  chan struct{} // closed when the first listing is in

	reflector atomic.Pointer[cache.Reflector] // of Applications, the present one

	// Told, if not nil, is told of an Application that is new, has changed, or is gone:
	// of what the agent has written itself, too. It must not block. Set it before Run.
	Told func(*api.Application)
	// ProjectsTold, likewise, is told that there is news of AppProjects.
	ProjectsTold func()

	mu        sync.RWMutex // guards all below
	apps      map[types.NamespacedName]*api.Application
	elsewhere project.Namespaces
	anew      chan struct{} // closed when there is another elsewhere
}

// NewApplications returns the Applications of a namespace, and of elsewhere.
// Scoped tells what Secrets bind to a project; generation grows when that has
// changed.
func NewApplications(cfg *rest.Config, namespace string, elsewhere project.Namespaces, scoped func(name string) project.Scoped, generation func() int64) (*Applications, error) {
	client, err := NewClient(cfg)
	if err != nil {
		return nil, err
	}
	projects := newProjects(namespace)
	projects.scoped, projects.generation = scoped, generation
	return &Applications{
		client: client, namespace: namespace, elsewhere: elsewhere, anew: make(chan struct{}), synced: make(chan struct{}),
		Projects: projects,
		apps:     map[types.NamespacedName]*api.Application{},
	}, nil
}

// NewClient returns a client of Applications and AppProjects.
func NewClient(cfg *rest.Config) (rest.Interface, error) {
	scheme := runtime.NewScheme()
	metav1.AddToGroupVersion(scheme, api.GroupVersion)
	if err := api.AddToScheme(scheme); err != nil {
		return nil, err
	}
	cfg = rest.CopyConfig(cfg)
	cfg.APIPath = "/apis"
	cfg.GroupVersion = &api.GroupVersion
	cfg.NegotiatedSerializer = cluster.Codec(scheme)
	client, err := rest.RESTClientFor(cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	return client, nil
}

// Run follows the objects until ctx ends.
func (a *Applications) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		for ctx.Err() == nil {
			a.followOnce(ctx)
		}
		return nil
	})
	g.Go(func() error {
		a.reflect("appprojects", a.namespace, &api.AppProject{}, a.Projects).RunWithContext(ctx)
		return nil
	})
	return g.Wait()
}

// Wait returns when all objects are known.
func (a *Applications) Wait(ctx context.Context) error {
	for _, synced := range []chan struct{}{a.synced, a.Projects.synced} {
		select {
		case <-synced:
		case <-ctx.Done():
			return fmt.Errorf("list Applications in namespace %s: %w", a.namespace, ctx.Err())
		}
	}
	return nil
}

func (a *Applications) reflect(resource, namespace string, kind runtime.Object, store cache.ReflectorStore) *cache.Reflector {
	lw := cache.NewListWatchFromClient(a.client, resource, namespace, fields.Everything())
	return cache.NewReflectorWithOptions(lw, kind, store, cache.ReflectorOptions{Name: resource})
}

// List returns all Applications, which must not be changed.
func (a *Applications) List() []*api.Application {
	a.mu.RLock()
	defer a.mu.RUnlock()
	list := make([]*api.Application, 0, len(a.apps))
	for _, app := range a.apps {
		list = append(list, app)
	}
	return list
}

// Application returns one, which must not be changed, or nil.
func (a *Applications) Application(namespace, name string) *api.Application {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.apps[types.NamespacedName{Namespace: namespace, Name: name}]
}

// Patch sends a JSON merge patch to an Application.
func (a *Applications) Patch(ctx context.Context, namespace, name string, patch []byte) (*api.Application, error) {
	app := &api.Application{}
	err := a.client.Patch(types.MergePatchType).Namespace(namespace).Resource("applications").Name(name).
		Param("fieldManager", "tidelock").Body(patch).Do(ctx).Into(app)
	if apierrors.IsConflict(err) {
		a.catchUp(ctx, namespace, name)
	}
	if err != nil {
		return nil, err
	}
	a.keep(app)
	return app, nil
}

// catchUp reads an Application of which something newer is stored than is known:
// the watch may be slow to tell, or have gone silent. If that fails, it tells.
func (a *Applications) catchUp(ctx context.Context, namespace, name string) {
	app := &api.Application{}
	if err := a.client.Get().Namespace(namespace).Resource("applications").Name(name).Do(ctx).Into(app); err == nil {
		a.keep(app)
	}
}

// keep stores an Application unless a newer one is known, and reports whether
// there is anything in it that was not known.
func (a *Applications) keep(app *api.Application) bool {
	news := a.stored(app)
	if news {
		a.tell(app)
	}
	return news
}

func (a *Applications) stored(app *api.Application) bool {
	key := types.NamespacedName{Namespace: app.Namespace, Name: app.Name}
	app.ManagedFields = rival.Kept(app.ManagedFields)
	a.mu.Lock()
	defer a.mu.Unlock()
	old := a.apps[key]
	if old != nil && !newer(app.ResourceVersion, old.ResourceVersion) {
		return false
	}
	if app.DeletionTimestamp != nil && len(app.Finalizers) == 0 {
		delete(a.apps, key) // the answer to our own patch: its end follows
		return true
	}
	a.apps[key] = app
	if a.Turned != nil && old != nil && old.UID == app.UID {
		a.Turned(old, app)
	}
	return old == nil || old.UID != app.UID || !equal(old, app)
}

func nameOf(app *api.Application) types.NamespacedName {
	return types.NamespacedName{Namespace: app.Namespace, Name: app.Name}
}

func newer(a, b string) bool {
	order, err := resourceversion.CompareResourceVersion(a, b)
	return err != nil || order > 0
}

// equal compares what a pass depends on.
func equal(a, b *api.Application) bool {
	return equality.Semantic.DeepEqual(a.Spec, b.Spec) && equality.Semantic.DeepEqual(a.Operation, b.Operation) &&
		equality.Semantic.DeepEqual(a.Annotations, b.Annotations) && equality.Semantic.DeepEqual(a.Finalizers, b.Finalizers) &&
		equality.Semantic.DeepEqual(a.DeletionTimestamp, b.DeletionTimestamp) && equality.Semantic.DeepEqual(a.Status, b.Status)
}

// Add, Update, Delete, Replace and Resync make it a cache.ReflectorStore.
func (a *Applications) Add(obj any) error {
	app := obj.(*api.Application)
	if !a.Follows(app.Namespace) {
		return nil
	}
	if a.keep(app) {
		a.changed(types.NamespacedName{Namespace: app.Namespace, Name: app.Name})
	}
	return nil
}

func (a *Applications) Update(obj any) error { return a.Add(obj) }

func (a *Applications) Delete(obj any) error {
	app := obj.(*api.Application)
	key := types.NamespacedName{Namespace: app.Namespace, Name: app.Name}
	a.mu.Lock()
	_, known := a.apps[key]
	delete(a.apps, key)
	a.mu.Unlock()
	if known || a.Follows(app.Namespace) {
		a.tell(app)
		if a.left != nil && a.Follows(app.Namespace) {
			a.left(key)
		}
		a.changed(key)
	}
	return nil
}

func (a *Applications) Replace(list []any, _ string) error {
	listed := map[types.NamespacedName]bool{}
	for _, item := range list {
		app := item.(*api.Application)
		if !a.Follows(app.Namespace) {
			continue
		}
		listed[types.NamespacedName{Namespace: app.Namespace, Name: app.Name}] = true
		if err := a.Add(app); err != nil {
			return err
		}
	}
	for _, app := range a.List() {
		if !listed[types.NamespacedName{Namespace: app.Namespace, Name: app.Name}] {
			if err := a.Delete(app); err != nil {
				return err
			}
		}
	}
	a.once.Do(func() { close(a.synced) })
	return nil
}

func (a *Applications) Resync() error { return nil }
