package keyring

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/plugins/sops/open"
	corev1 "k8s.io/api/core/v1"
)

// Entries of a SOPS key Secret, as Flux has them (SEMANTICS.md 3.1): keys by their
// ending, logins of key services by their name.
var (
	kindBySuffix = map[string]string{".agekey": open.Age, ".asc": open.PGP}
	kindByName   = map[string]string{
		"sops.vault-token": open.VaultToken, "sops.aws-kms": open.AWS,
		"sops.azure-kv": open.Azure, "sops.gcp-kms": open.GCP,
	}
)

// identityEntry lists the clouds where the agent's own identity may be used: aws,
// azure, gcp.
const identityEntry = "sops.workload-identity"

var kindByCloud = map[string]string{"aws": open.AWS, "azure": open.Azure, "gcp": open.GCP}

// settingEntries say more about the logins of a Secret: how far they go.
var settingEntries = map[string]map[string]string{
	open.VaultToken: {"sops.vault-address": open.Allow, "sops.vault-ca": open.CA, "sops.vault-namespace": open.Namespace},
	open.AWS:        {"sops.aws-kms-keys": open.Allow},
	open.Azure:      {"sops.azure-kv-keys": open.Allow},
	open.GCP:        {"sops.gcp-kms-keys": open.Allow},
}

// SOPS returns the keys that an Application of project may use: those of
// Secrets that name no project, or this one.
func (k *Keyring) SOPS(project string) []sdk.Key {
	var keys []sdk.Key
	for _, secret := range sorted(k.sops.list()) {
		if bound := string(secret.Data["project"]); bound != "" && bound != project {
			continue
		}
		keys = append(keys, sopsKeys(secret)...)
		k.warnOfSOPS(secret)
	}
	return keys
}

// warnOfSOPS logs entries that are not known, such as one that is misspelt.
func (k *Keyring) warnOfSOPS(secret *corev1.Secret) {
	known := []string{"project", identityEntry}
	for _, entries := range settingEntries {
		known = slices.AppendSeq(known, maps.Keys(entries))
	}
	unknown := slices.DeleteFunc(slices.Sorted(maps.Keys(secret.Data)), func(entry string) bool {
		return keyKind(entry) != "" || slices.Contains(known, entry)
	})
	if len(unknown) > 0 && k.news(secret) {
		k.log.Warn("a Secret of SOPS keys has entries that mean nothing", "secret", secret.Name, "entries", unknown)
	}
}

// sopsKeys returns the keys of a Secret, in the order of their entries.
func sopsKeys(secret *corev1.Secret) (keys []sdk.Key) {
	for _, entry := range slices.Sorted(maps.Keys(secret.Data)) {
		name := fmt.Sprintf("Secret %s/%s, key %s", secret.Namespace, secret.Name, entry)
		if kind := keyKind(entry); kind != "" {
			keys = append(keys, sdk.Key{Kind: kind, Material: secret.Data[entry], Name: name, Settings: settings(secret, kind)})
		}
		if entry != identityEntry {
			continue
		}
		for _, cloud := range strings.FieldsFunc(string(secret.Data[entry]), func(r rune) bool { return r == ',' || r == ' ' || r == '\n' }) {
			kind := cmp.Or(kindByCloud[cloud], cloud) // one that is not known is said so where it is used
			key := sdk.Key{Kind: kind, Name: name, Settings: settings(secret, kind)}
			key.Settings[open.Ambient] = "true"
			keys = append(keys, key)
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

// settings reads what a Secret says of its logins of a kind.
func settings(secret *corev1.Secret, kind string) map[string]string {
	set := map[string]string{}
	for entry, setting := range settingEntries[kind] {
		if text := strings.TrimSpace(string(secret.Data[entry])); text != "" {
			set[setting] = text
		}
	}
	return set
}
