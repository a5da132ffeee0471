// Package keyring holds what the agent needs to get in and to decrypt:
// repository credentials, SOPS keys and sealing keys. They are Secrets, followed
// by watches, so that a new key repairs what waited for it by itself.
//
// Start with [New]; Run follows the Secrets, and the methods of [Keyring] answer
// from memory.
package keyring

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/secrets/sealed"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// A Keyring follows three kinds of Secrets. It is safe for concurrent use.
type Keyring struct {
	sops, repositories, sealing *follower
	generation                  atomic.Int64
}

// Generation grows when any key has changed.
func (k *Keyring) Generation() int64 { return k.generation.Load() }

// Namespaces say where the Secrets are.
type Namespaces struct {
	// Agent holds repository credentials and SOPS keys.
	Agent string
	// Sealing holds the keys of the sealed-secrets controller.
	Sealing string
}

// New returns a Keyring. Changed is called when any Secret comes, changes or
// goes; it must not block.
func New(cfg *rest.Config, in Namespaces, log *slog.Logger, changed func()) (*Keyring, error) {
	client, err := corev1client.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	k := &Keyring{}
	ring := func() {
		k.generation.Add(1)
		changed()
	}
	follow := func(namespace, selector string) *follower {
		return &follower{
			client: client.Secrets(namespace), selector: selector, changed: ring, log: log,
			secrets: map[string]*corev1.Secret{}, synced: make(chan struct{}),
		}
	}
	repositories := fmt.Sprintf("%s in (%s, %s)", api.LabelSecretType, api.SecretTypeRepository, api.SecretTypeRepoCreds)
	k.sops = follow(in.Agent, api.LabelTidelockSecretType+"="+api.SecretTypeSOPSKey)
	k.repositories = follow(in.Agent, repositories)
	k.sealing = follow(in.Sealing, sealed.KeyLabel+"="+sealed.KeyActive)
	return k, nil
}

// Run follows the Secrets until ctx ends.
func (k *Keyring) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, f := range k.all() {
		g.Go(func() error {
			f.run(ctx)
			return nil
		})
	}
	return g.Wait()
}

func (k *Keyring) all() []*follower { return []*follower{k.sops, k.repositories, k.sealing} }

// Wait returns when the Secrets are known.
func (k *Keyring) Wait(ctx context.Context) error {
	for _, f := range k.all() {
		select {
		case <-f.synced:
		case <-ctx.Done():
			return fmt.Errorf("list the agent's Secrets: %w", ctx.Err())
		}
	}
	return nil
}

// A follower keeps the Secrets of one selector: the store of a reflector.
type follower struct {
	client   corev1client.SecretInterface
	selector string
	changed  func()
	log      *slog.Logger
	once     sync.Once
	synced   chan struct{} // closed after the first listing

	mu      sync.RWMutex // guards secrets
	secrets map[string]*corev1.Secret
}

func (f *follower) run(ctx context.Context) {
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.LabelSelector = f.selector
			return f.client.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.LabelSelector = f.selector
			return f.client.Watch(ctx, o)
		},
	}
	cache.NewReflectorWithOptions(lw, &corev1.Secret{}, f, cache.ReflectorOptions{}).RunWithContext(ctx)
}

// list returns the Secrets, in no order.
func (f *follower) list() []*corev1.Secret {
	f.mu.RLock()
	defer f.mu.RUnlock()
	list := make([]*corev1.Secret, 0, len(f.secrets))
	for _, s := range f.secrets {
		list = append(list, s)
	}
	return list
}

// Add, Update, Delete, Replace and Resync make it a cache.ReflectorStore.
func (f *follower) Add(obj any) error {
	secret := obj.(*corev1.Secret)
	f.mu.Lock()
	f.secrets[secret.Name] = secret
	f.mu.Unlock()
	f.changed()
	return nil
}

func (f *follower) Update(obj any) error { return f.Add(obj) }

func (f *follower) Delete(obj any) error {
	f.mu.Lock()
	delete(f.secrets, obj.(*corev1.Secret).Name)
	f.mu.Unlock()
	f.changed()
	return nil
}

func (f *follower) Replace(list []any, _ string) error {
	f.mu.Lock()
	clear(f.secrets)
	for _, item := range list {
		secret := item.(*corev1.Secret)
		f.secrets[secret.Name] = secret
	}
	f.mu.Unlock()
	f.once.Do(func() { close(f.synced) })
	f.changed()
	return nil
}

func (f *follower) Resync() error { return nil }
