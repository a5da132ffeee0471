package keyring

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/secrets/sealed"
	corev1 "k8s.io/api/core/v1"
)

// suffixes and names of entries in a SOPS key Secret, as Flux has them
// (SEMANTICS.md 3.1).
var (
	kindBySuffix = map[string]string{".agekey": "age", ".asc": "pgp"}
	kindByName   = map[string]string{
		"sops.vault-token": "vault-token", "sops.aws-kms": "aws-kms",
		"sops.azure-kv": "azure-kv", "sops.gcp-kms": "gcp-kms",
	}
)

// SOPS returns the keys that an Application of project may use: those of
// Secrets that name no project, or this one.
func (k *Keyring) SOPS(project string) []sdk.Key {
	var keys []sdk.Key
	for _, secret := range sorted(k.sops.list()) {
		if bound := string(secret.Data["project"]); bound != "" && bound != project {
			continue
		}
		for _, entry := range slices.Sorted(maps.Keys(secret.Data)) {
			if kind := keyKind(entry); kind != "" {
				keys = append(keys, sdk.Key{
					Kind: kind, Material: secret.Data[entry],
					Name: fmt.Sprintf("Secret %s/%s, key %s", secret.Namespace, secret.Name, entry),
				})
			}
		}
	}
	return keys
}

func keyKind(entry string) string {
	if kind := kindByName[entry]; kind != "" {
		return kind
	}
	for suffix, kind := range kindBySuffix {
		if strings.HasSuffix(entry, suffix) {
			return kind
		}
	}
	return ""
}

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
