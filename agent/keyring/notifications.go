package keyring

import (
	"context"
	"fmt"

	"github.com/tidelock-io/tidelock/secrets"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/cache"
)

// Where Argo CD has what notifications are sent, to whom and how (SEMANTICS.md 2.11).
const (
	NotificationsConfigMap = "argocd-notifications-cm"
	NotificationsSecret    = "argocd-notifications-secret"
)

// notifications are the two objects, which are known by their names: people make them
// without any label.
type notifications struct {
	config *follower[*corev1.ConfigMap]
	secret *follower[*corev1.Secret]
}

func followNotifications(client corev1client.CoreV1Interface, namespace string, changed func()) notifications {
	configMaps, secretsOf := client.ConfigMaps(namespace), client.Secrets(namespace)
	named := func(name string) string { return fields.OneTermEqualSelector("metadata.name", name).String() }
	return notifications{
		config: follow[*corev1.ConfigMap](&corev1.ConfigMap{}, changed, &cache.ListWatch{
			ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
				o.FieldSelector = named(NotificationsConfigMap)
				return configMaps.List(ctx, o)
			},
			WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
				o.FieldSelector = named(NotificationsConfigMap)
				return configMaps.Watch(ctx, o)
			},
		}),
		secret: follow[*corev1.Secret](&corev1.Secret{}, changed, &cache.ListWatch{
			ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
				o.FieldSelector = named(NotificationsSecret)
				return secretsOf.List(ctx, o)
			},
			WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
				o.FieldSelector = named(NotificationsSecret)
				return secretsOf.Watch(ctx, o)
			},
		}),
	}
}

// Notifications returns the data of ConfigMap argocd-notifications-cm and of Secret
// argocd-notifications-secret, and what tells one state of them from another. They
// are empty if there are none.
func (k *Keyring) Notifications() (config map[string]string, secret map[string]secrets.Value, version string) {
	if object, ok := k.told.config.get(NotificationsConfigMap); ok {
		config, version = object.Data, string(object.UID)+object.ResourceVersion
	}
	secret = map[string]secrets.Value{}
	if object, ok := k.told.secret.get(NotificationsSecret); ok {
		for key, value := range object.Data {
			secret[key] = secrets.New(value)
		}
		version += "/" + string(object.UID) + object.ResourceVersion
	}
	return config, secret, version
}

// ReadNotifications reads the two objects once, in place of Run. That there is none is
// no error. What could not be read, each ErrUnread, is not there; all else is.
func (k *Keyring) ReadNotifications(ctx context.Context) (errs []error) {
	if err := k.told.config.read(ctx); err != nil {
		errs = append(errs, fmt.Errorf("%w ConfigMap %s: %w", ErrUnread, NotificationsConfigMap, err))
	}
	if err := k.told.secret.read(ctx); err != nil {
		errs = append(errs, fmt.Errorf("%w Secret %s: %w", ErrUnread, NotificationsSecret, err))
	}
	return errs
}

// Authorities returns the certificates, in PEM, by which servers of a host are known;
// nil if those of the system are to do.
func (k *Keyring) Authorities(host string) []byte { return k.authorities("https://" + host) }
