package main

import (
	"slices"

	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/agent/keyring"
	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// personalKeys are those that a person may read in the cluster, and those on the
// machine, for people who may not.
type personalKeys struct {
	*keyring.Keyring
	local *localKeys
}

// SOPS returns the keys of both.
func (k personalKeys) SOPS(project string) []sdk.Key {
	return slices.Concat(k.Keyring.SOPS(project), k.local.SOPS(project))
}

// Repo returns a repository with the credentials of the cluster. Hosts that the
// cluster does not know may be known here.
func (k personalKeys) Repo(url, project string) git.Repo {
	repo := k.Keyring.Repo(url, project)
	if repo.Credentials.KnownHosts == "" {
		repo.Credentials.KnownHosts = k.local.knownHosts
	}
	return repo
}
