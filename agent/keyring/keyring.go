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
	"github.com/tidelock-io/tidelock/agent/git/signature"
	"github.com/tidelock-io/tidelock/secrets/sealed"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	appsv1client "k8s.io/client-go/kubernetes/typed/apps/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// The agent's ConfigMaps are known by the label that Argo CD asks for on them.
const (
	configLabel    = "app.kubernetes.io/part-of"
	configOwner    = "argocd"
	configSelector = configLabel + "=" + configOwner
)

// A Keyring follows Secrets and ConfigMaps. It is safe for concurrent use.
type Keyring struct {
	sops, repositories, sealing *follower[*corev1.Secret]
	hooks                       *follower[*corev1.Secret] // argocd-secret
	clusters                    *follower[*corev1.Secret]
	trust                       *follower[*corev1.ConfigMap]
	told                        notifications
	selfTold                    *notifications // of all namespaces, by these; nil if they have none of their own
	rollout                     *rolloutKey
	sealed                      *presence // of the sealed-secrets controller
	log                         *slog.Logger
	generation                  atomic.Int64
	bindings                    atomic.Int64 // how often the Secret of a cluster has changed
	published                   corev1client.ConfigMapInterface
	keys                        chan struct{} // holds one if any key has changed since it was taken

	// ClustersChanged, if not nil, is called when the Secret of a cluster comes, changes or
	// goes; it must not block. Set it before Run.
	ClustersChanged func()

	// NotificationsChanged, if not nil, likewise, when what is notified of changes.
	NotificationsChanged func()

	warned sync.Map // version by the name of a Secret whose entries were warned of

	gpg struct {
		sync.Mutex
		of   *corev1.ConfigMap  // what keys were read from; guarded by the mutex
		keys *signature.Keyring // guarded by the mutex
	}
}

// Generation grows when any key has changed.
func (k *Keyring) Generation() int64 { return k.generation.Load() }

// Bindings grows when what Scoped returns may have changed.
func (k *Keyring) Bindings() int64 { return k.generation.Load() + k.bindings.Load() }

// Namespaces say where the Secrets are.
type Namespaces struct {
	// Agent holds repository credentials and SOPS keys.
	Agent string
	// Sealing holds the keys of the sealed-secrets controller.
	Sealing string
	// Confined says that nothing may be looked for in all namespaces: controllers are
	// taken to be there.
	Confined bool
	// SelfService has namespaces with Applications have notifications of their own.
	SelfService bool
}

// New returns a Keyring. Changed is called when any Secret comes, changes or
// goes; it must not block.
func New(cfg *rest.Config, in Namespaces, log *slog.Logger, changed func()) (*Keyring, error) {
	client, err := corev1client.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	apps, err := appsv1client.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	k := &Keyring{log: log, keys: make(chan struct{}, 1), published: client.ConfigMaps(in.Agent)}
	ring := func() {
		k.generation.Add(1)
		select {
		case k.keys <- struct{}{}:
		default:
		}
		changed()
	}
	following := func(namespace, selector string, ring func()) *follower[*corev1.Secret] {
		api := client.Secrets(namespace)
		return follow[*corev1.Secret](&corev1.Secret{}, ring, &cache.ListWatch{
			ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
				o.LabelSelector = selector
				return api.List(ctx, o)
			},
			WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
				o.LabelSelector = selector
				return api.Watch(ctx, o)
			},
		})
	}
	secrets := func(namespace, selector string) *follower[*corev1.Secret] {
		return following(namespace, selector, ring)
	}
	configMaps := client.ConfigMaps(in.Agent)
	k.clusters = following(in.Agent, api.LabelSecretType+"="+api.SecretTypeCluster, func() {
		k.bindings.Add(1)
		if k.ClustersChanged != nil {
			k.ClustersChanged()
		}
	})
	k.sops = secrets(in.Agent, api.LabelTidelockSecretType+"="+api.SecretTypeSOPSKey)
	k.repositories = secrets(in.Agent, fmt.Sprintf("%s in (%s, %s)", api.LabelSecretType, api.SecretTypeRepository, api.SecretTypeRepoCreds))
	k.sealing = secrets(in.Sealing, sealed.KeyLabel+"="+sealed.KeyActive)
	k.rollout = &rolloutKey{
		from: secrets(in.Agent, api.LabelTidelockSecretType+"="+api.SecretTypeRolloutKey), client: client.Secrets(in.Agent),
		turn: semaphore.NewWeighted(1),
	}
	k.hooks = followHooks(client.Secrets(in.Agent))
	k.told = followNotifications(client, in.Agent, func() {
		if k.NotificationsChanged != nil {
			k.NotificationsChanged()
		}
	})
	if in.SelfService {
		k.selfTold = followSelfService(client, func() {
			if k.NotificationsChanged != nil {
				k.NotificationsChanged()
			}
		})
	}
	k.sealed = taken()
	if !in.Confined {
		k.sealed = newPresence(apps, sealedControllers, log, ring)
	}
	k.trust = follow[*corev1.ConfigMap](&corev1.ConfigMap{}, ring, &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.LabelSelector = configSelector
			return configMaps.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.LabelSelector = configSelector
			return configMaps.Watch(ctx, o)
		},
	})
	return k, nil
}

// Run follows the Secrets until ctx ends.
func (k *Keyring) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	all := k.all()
	if k.selfTold != nil { // nobody waits for these: who may not list them works all the same
		all = append(all, k.selfTold.config, k.selfTold.secret)
	}
	for _, f := range all {
		g.Go(func() error {
			f.run(ctx)
			return nil
		})
	}
	return g.Wait()
}

// followers of any kind.
type runner interface {
	run(ctx context.Context)
	done() <-chan struct{}
}

func (k *Keyring) all() []runner {
	all := []runner{k.sops, k.repositories, k.sealing, k.hooks, k.clusters, k.trust, k.told.config, k.told.secret, k.rollout.from}
	for _, f := range k.sealed.deployments {
		all = append(all, f)
	}
	return all
}

// Listed says whether the Secrets are known.
func (k *Keyring) Listed() bool {
	for _, f := range k.all() {
		select {
		case <-f.done():
		default:
			return false
		}
	}
	return true
}

// Wait returns when the Secrets are known.
func (k *Keyring) Wait(ctx context.Context) error {
	for _, f := range k.all() {
		select {
		case <-f.done():
		case <-ctx.Done():
			return fmt.Errorf("list the agent's Secrets: %w", ctx.Err())
		}
	}
	return nil
}
