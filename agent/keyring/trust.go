package keyring

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
)

// The ConfigMaps that say whom to trust, as Argo CD has them (SEMANTICS 2.8).
const (
	knownHostsConfigMap = "argocd-ssh-known-hosts-cm"
	knownHostsKey       = "ssh_known_hosts"
	authoritiesMap      = "argocd-tls-certs-cm" // PEM by host name
)

// Config returns the data of one of the agent's ConfigMaps, nil if there is none,
// and a version that is another whenever the data is.
func (k *Keyring) Config(name string) (data map[string]string, version string) {
	config, ok := k.trust.get(name)
	if !ok {
		return nil, ""
	}
	return config.Data, string(config.UID) + " " + config.ResourceVersion
}

// ErrUnlabelled says that there is a ConfigMap of the name, which does not count.
var ErrUnlabelled = errors.New("it has not the label " + configLabel + ": " + configOwner)

// ConfigMeta says which object one of the agent's ConfigMaps is.
func (k *Keyring) ConfigMeta(name string) (meta metav1.ObjectMeta, ok bool) {
	config, ok := k.trust.get(name)
	if !ok {
		return metav1.ObjectMeta{}, false
	}
	return config.ObjectMeta, true
}

// ReadConfig asks for one of the agent's ConfigMaps once, for a command that ends
// soon: nil if there is none, and ErrUnlabelled if there is one that the agent would
// not follow.
func ReadConfig(ctx context.Context, cfg *rest.Config, namespace, name string) (map[string]string, error) {
	client, err := corev1client.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	config, err := client.ConfigMaps(namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read ConfigMap %s/%s: %w", namespace, name, err)
	case config.Labels[configLabel] != configOwner:
		return nil, fmt.Errorf("ConfigMap %s/%s has no effect: %w", namespace, name, ErrUnlabelled)
	}
	return config.Data, nil
}

// knownHosts returns the lines of ssh's known_hosts.
func (k *Keyring) knownHosts() string {
	if config, ok := k.trust.get(knownHostsConfigMap); ok {
		return config.Data[knownHostsKey]
	}
	return ""
}

// authorities returns the certificates to trust for the host of an address.
func (k *Keyring) authorities(address string) []byte {
	u, err := url.Parse(address)
	if err != nil {
		return nil
	}
	config, ok := k.trust.get(authoritiesMap)
	if !ok {
		return nil
	}
	return []byte(config.Data[strings.ToLower(u.Hostname())])
}
