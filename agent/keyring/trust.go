package keyring

import (
	"net/url"
	"strings"
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
