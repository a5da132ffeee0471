package main

import (
	"bytes"
	"context"
	"fmt"
	"os"

	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/secrets/sealed"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// localKeys are the keys of the person at the keyboard.
type localKeys struct {
	sops   []sdk.Key
	sealed sealed.Keys
	git    *gitUser
	*localRegistries
}

func newLocalKeys(sealingKeys []string) (*localKeys, error) {
	keys := &localKeys{git: newGitUser()}
	var err error
	if keys.sops, err = localSOPSKeys(); err != nil {
		return nil, err
	}
	if keys.sealed, err = readSealingKeys(sealingKeys); err != nil {
		return nil, err
	}
	if keys.localRegistries, err = newLocalRegistries(); err != nil {
		return nil, err
	}
	return keys, nil
}

// Repo reaches a repository as git would here.
func (k *localKeys) Repo(url, _ string) git.Repo { return k.git.repo(url) }

// SOPS returns all keys, whatever the project.
func (k *localKeys) SOPS(string) []sdk.Key { return k.sops }

// Generation: keys do not change during a render.
func (k *localKeys) Generation() int64 { return 0 }

// Keys opens SealedSecrets.
func (k *localKeys) Keys(context.Context) (sealed.Keys, error) { return k.sealed, nil }

// readSealingKeys reads private keys: PEM files, or Secrets as kubectl prints
// them, one or a list.
func readSealingKeys(files []string) (sealed.Keys, error) {
	var pairs []map[string][]byte
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return sealed.Keys{}, fmt.Errorf("--sealed-secrets-key: %w", err)
		}
		if bytes.HasPrefix(bytes.TrimSpace(text), []byte("-----BEGIN")) {
			pairs = append(pairs, map[string][]byte{corev1.TLSPrivateKeyKey: text})
			continue
		}
		var secrets struct {
			corev1.Secret
			Items []corev1.Secret `json:"items"`
		}
		if yaml.Unmarshal(text, &secrets) != nil { // the error may quote the key
			return sealed.Keys{}, fmt.Errorf("--sealed-secrets-key %s: neither PEM nor a Secret", file)
		}
		for _, s := range append(secrets.Items, secrets.Secret) {
			if s.Data != nil {
				pairs = append(pairs, s.Data)
			}
		}
	}
	keys, err := sealed.ParseKeys(pairs...)
	if err != nil {
		return keys, fmt.Errorf("--sealed-secrets-key: %w", err)
	}
	return keys, nil
}
