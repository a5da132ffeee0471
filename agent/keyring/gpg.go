package keyring

import (
	"github.com/tidelock-io/tidelock/agent/git/signature"
)

// gpgConfigMap holds armored public keys by their ids, as Argo CD has it
// (SEMANTICS.md 2.8).
const gpgConfigMap = "argocd-gpg-keys-cm"

// GPG returns the public keys that may sign commits, of which projects accept
// some. Entries that cannot be read are logged and left out.
func (k *Keyring) GPG() *signature.Keyring {
	config, ok := k.trust.get(gpgConfigMap)
	if !ok {
		return nil
	}
	k.gpg.Lock()
	defer k.gpg.Unlock()
	if k.gpg.of != config {
		keys, err := signature.ReadKeyring(config.Data)
		if err != nil {
			k.log.Warn("some keys cannot be used", "configmap", gpgConfigMap, "error", err)
		}
		k.gpg.of, k.gpg.keys = config, keys
	}
	return k.gpg.keys
}
