package agent

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/project"
	"github.com/tidelock-io/tidelock/agent/window"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/tools/cache"
)

// ErrProject says that an Application's AppProject is not there.
var ErrProject = errors.New("no such AppProject")

// Projects knows the AppProjects of the agent's namespace, as rules and windows.
type Projects struct {
	namespace string
	store     cache.Store
	once      sync.Once
	synced    chan struct{} // closed when the first listing is in
	changed   func()
	// scoped tells what Secrets bind to a project, and generation when that has
	// changed.
	scoped     func(name string) project.Scoped
	generation func() int64
	// Warned is told, once, what is odd about a project that has changed.
	Warned func(project string, warnings []string)

	mu    sync.Mutex // guards rules
	rules map[string]compiled
}

type compiled struct {
	of      string // resourceVersion and generation
	rules   *project.Rules
	windows *window.Schedule
	odd     []string // as Lint says
	err     error
}

func newProjects(namespace string) *Projects {
	return &Projects{
		namespace: namespace, store: cache.NewStore(cache.MetaNamespaceKeyFunc), synced: make(chan struct{}),
		rules: map[string]compiled{}, Warned: func(string, []string) {},
	}
}

// Project returns a project, which must not be changed. Its error is
// ErrProject.
func (p *Projects) Project(name string) (*api.AppProject, error) {
	object, ok, err := p.store.GetByKey(p.namespace + "/" + name)
	if err != nil || !ok {
		return nil, fmt.Errorf("%w: %s: create it in namespace %s, or name another in spec.project", ErrProject, name, p.namespace)
	}
	return object.(*api.AppProject), nil
}

// Rules returns the rules of a project. Without rules everything is refused.
func (p *Projects) Rules(name string) (*project.Rules, error) {
	c, err := p.compiled(name)
	return c.rules, err
}

// Windows returns the sync windows of a project. Without them nothing is synced.
func (p *Projects) Windows(name string) (*window.Schedule, error) {
	c, err := p.compiled(name)
	return c.windows, err
}

func (p *Projects) compiled(name string) (compiled, error) {
	found, err := p.Project(name)
	if err != nil {
		return compiled{}, err
	}
	of := fmt.Sprint(found.UID, found.ResourceVersion, p.generation())
	p.mu.Lock()
	defer p.mu.Unlock()
	c, ok := p.rules[name]
	if !ok || c.of != of {
		before := c.odd
		c = compile(found, p.scoped(name))
		c.of = of
		p.rules[name] = c
		if len(c.odd) > 0 && !slices.Equal(c.odd, before) {
			p.Warned(name, c.odd)
		}
	}
	return c, c.err
}

// Lint returns where a project does other than it seems to, as of now: one sentence
// each, beginning with the field's path. What a project does with the Applications
// that it has is window.Schedule's Lint to say.
func Lint(p *api.AppProject, now time.Time) []string {
	odd := append(api.LintProject(p), project.Lint(p)...)
	if windows, err := window.Compile(p.Spec.SyncWindows); err == nil {
		odd = append(odd, windows.Lint(now, nil)...)
	}
	return odd
}

func compile(p *api.AppProject, scoped project.Scoped) compiled {
	rules, err := project.New(p, scoped)
	windows, windowErr := window.Compile(p.Spec.SyncWindows)
	if windowErr != nil {
		windowErr = fmt.Errorf("AppProject %s: %w", p.Name, windowErr)
	}
	return compiled{rules: rules, windows: windows, odd: Lint(p, time.Now()), err: errors.Join(err, windowErr)}
}

// EnsureDefault creates the project "default" if there is none, as Argo CD does. It
// is known from then on: whoever asks need not wait for the watch to tell.
func (a *Applications) EnsureDefault(ctx context.Context) error {
	if _, err := a.Project(project.Default().Name); err == nil {
		return nil
	}
	p, err := a.makeDefault(ctx)
	if err != nil {
		return fmt.Errorf("create AppProject default in namespace %s: %w", a.namespace, err)
	}
	return a.learn(p)
}

// makeDefault returns the project "default" as it is stored.
func (a *Applications) makeDefault(ctx context.Context) (*api.AppProject, error) {
	p, stored := project.Default(), &api.AppProject{}
	p.Namespace = a.namespace
	p.APIVersion, p.Kind = api.GroupVersion.String(), "AppProject"
	err := a.client.Post().Namespace(a.namespace).Resource("appprojects").Body(p).Do(ctx).Into(stored)
	if !apierrors.IsAlreadyExists(err) {
		return stored, err
	}
	all := &api.AppProjectList{} // what may be listed need not be read one by one
	err = a.client.Get().Namespace(a.namespace).Resource("appprojects").
		VersionedParams(&metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("metadata.name", p.Name).String()}, metav1.ParameterCodec).Do(ctx).Into(all)
	if err == nil && len(all.Items) == 0 {
		err = errors.New("it has gone again")
	}
	if err != nil {
		return nil, err
	}
	return &all.Items[0], nil
}

// learn stores a project of which the watch has not told yet.
func (p *Projects) learn(found *api.AppProject) error {
	if _, err := p.Project(found.Name); err == nil {
		return nil
	}
	return p.Add(found)
}

// Add, Update, Delete, Replace and Resync make it a cache.ReflectorStore.
func (p *Projects) Add(obj any) error {
	defer p.changed()
	return p.store.Add(obj)
}

func (p *Projects) Update(obj any) error { return p.Add(obj) }

func (p *Projects) Delete(obj any) error {
	defer p.changed()
	p.drop(func(name string) bool { return name == obj.(*api.AppProject).Name })
	return p.store.Delete(obj)
}

// Replace takes a listing. One in which there is nothing new is no news: a watch that
// cannot go on where it was begins with one.
func (p *Projects) Replace(list []any, version string) error {
	there := map[string]bool{}
	for _, item := range list {
		there[item.(*api.AppProject).Name] = true
	}
	p.drop(func(name string) bool { return !there[name] })
	if !p.holds(list) {
		defer p.changed()
	}
	defer p.once.Do(func() { close(p.synced) })
	return p.store.Replace(list, version)
}

// holds says that a listing is what is known.
func (p *Projects) holds(list []any) bool {
	select {
	case <-p.synced:
	default:
		return false
	}
	for _, item := range list {
		now := item.(*api.AppProject)
		if was, err := p.Project(now.Name); err != nil || was.UID != now.UID || was.ResourceVersion != now.ResourceVersion {
			return false
		}
	}
	return len(list) == len(p.store.ListKeys())
}

// drop forgets the rules of projects that are gone.
func (p *Projects) drop(gone func(name string) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.rules, func(name string, _ compiled) bool { return gone(name) })
}

func (p *Projects) Resync() error { return nil }
