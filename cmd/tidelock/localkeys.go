package main

import (
	"context"

	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/secrets/sealed"
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
