package main

import (
	"slices"

	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/agent/keyring"
	"github.com/tidelock-io/tidelock/agent/registry"
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

// Repo returns a repository with the credentials of the cluster. Without any, or
// hosts that the cluster knows, those here serve.
func (k personalKeys) Repo(url, project string) git.Repo {
	repo := k.Keyring.Repo(url, project)
	if repo.Fault != "" {
		return repo
	}
	local := k.local.Repo(url, project)
	if !repo.Credentials.Any() {
		repo.URL, repo.Fault, repo.Credentials.Personal = local.URL, local.Fault, local.Credentials.Personal
	}
	if repo.Credentials.KnownHosts == "" {
		repo.Credentials.KnownHosts = local.Credentials.KnownHosts
	}
	return repo
}

// Registry returns a repository with the credentials of the cluster, or else with
// those that helm or docker has here.
func (k personalKeys) Registry(url, project string) registry.Repo {
	repo := k.Keyring.Registry(url, project)
	if !repo.Credentials.Any() && repo.Fault == "" {
		local := k.local.Registry(url, project)
		repo.Credentials.Username, repo.Credentials.Password = local.Credentials.Username, local.Credentials.Password
		repo.Credentials.BearerToken, repo.IdentityToken = local.Credentials.BearerToken, local.IdentityToken
	}
	return repo
}
