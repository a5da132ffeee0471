package keyring

import (
	"net/url"
)

// The ConfigMaps that say whom to trust, as Argo CD has them (SEMANTICS 2.8).
const (
	knownHostsConfigMap = "argocd-ssh-known-hosts-cm"
	knownHostsKey       = "ssh_known_hosts"
	authoritiesMap      = "argocd-tls-certs-cm" // PEM by host name
)

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
	return []byte(config.Data[u.Hostname()])
}
