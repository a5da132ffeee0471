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

// followSelfService follows the two objects in all namespaces, by these.
func followSelfService(client corev1client.CoreV1Interface, changed func()) *notifications {
	n := followNotifications(client, metav1.NamespaceAll, changed)
	n.config.key = func(o *corev1.ConfigMap) string { return o.Namespace }
	n.secret.key = func(o *corev1.Secret) string { return o.Namespace }
	return &n
}

// NotificationsOf is Notifications of another namespace than the agent's. There are none
// unless Namespaces.SelfService is set.
func (k *Keyring) NotificationsOf(namespace string) (config map[string]string, secret map[string]secrets.Value, version string) {
	if k.selfTold == nil {
		return nil, nil, ""
	}
	return k.selfTold.as(namespace)
}

// Notifications returns the data of ConfigMap argocd-notifications-cm and of Secret
// argocd-notifications-secret, and what tells one state of them from another. They
// are empty if there are none.
func (k *Keyring) Notifications() (config map[string]string, secret map[string]secrets.Value, version string) {
	configMap, _ := k.told.config.get(NotificationsConfigMap)
	object, _ := k.told.secret.get(NotificationsSecret)
	return stated(configMap, object)
}

// as are the two objects of a namespace.
func (n *notifications) as(namespace string) (config map[string]string, secret map[string]secrets.Value, version string) {
	configMap, _ := n.config.get(namespace)
	object, _ := n.secret.get(namespace)
	return stated(configMap, object)
}

// stated is what the two objects say, of which each is nil if there is none.
func stated(configMap *corev1.ConfigMap, object *corev1.Secret) (config map[string]string, secret map[string]secrets.Value, version string) {
	if configMap != nil {
		config, version = configMap.Data, string(configMap.UID)+configMap.ResourceVersion
	}
	secret = map[string]secrets.Value{}
	if object != nil {
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
