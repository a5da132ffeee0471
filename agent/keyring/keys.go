package keyring

import (
	"context"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/secrets/sealed"
	corev1 "k8s.io/api/core/v1"
)

// Keys returns the private keys that open SealedSecrets. A Secret that holds
// none is logged and left out.
func (k *Keyring) Keys(context.Context) (sealed.Keys, error) {
	var pairs []map[string][]byte
	for _, secret := range sorted(k.sealing.list()) {
		pairs = append(pairs, secret.Data)
	}
	keys, err := sealed.ParseKeys(pairs...)
	if err != nil {
		k.log.Warn("some sealing keys cannot be used", "error", err)
	}
	return keys, nil
}

func sorted(list []*corev1.Secret) []*corev1.Secret {
	slices.SortFunc(list, func(a, b *corev1.Secret) int { return strings.Compare(a.Name, b.Name) })
	return list
}
