package keyring

import (
	"context"

	"github.com/tidelock-io/tidelock/secrets"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/cache"
)

// hookSecret is where Argo CD has the secrets of webhooks (SEMANTICS.md 2.9).
const hookSecret = "argocd-secret"

// followHooks follows that one Secret.
func followHooks(client corev1client.SecretInterface) *follower[*corev1.Secret] {
	only := fields.OneTermEqualSelector("metadata.name", hookSecret).String()
	return follow[*corev1.Secret](&corev1.Secret{}, func() {}, &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.FieldSelector = only
			return client.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.FieldSelector = only
			return client.Watch(ctx, o)
		},
	})
}

// Hook returns what Secret argocd-secret has under a key, such as
// webhook.github.secret; empty if nothing.
func (k *Keyring) Hook(key string) secrets.Value {
	secret, ok := k.hooks.get(hookSecret)
	if !ok {
		return secrets.Value{}
	}
	return secrets.New(secret.Data[key])
}
