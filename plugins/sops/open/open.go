// Package open opens SOPS files with the two plugins that do it, and names what
// their keys may carry. It is without SOPS' own code.
//
// The plugin "sops" holds the keys and sees the plain text, and has no network.
// The plugin "sops-services" may reach the network, and asks key services (Vault,
// the clouds' KMS) for data keys: it gets the encrypted file and what logs in to
// the services, but neither age and PGP keys nor anything plain.
//
// Start with [File].
package open

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// The plugins.
const (
	Local    = "sops"
	Services = "sops-services"
)

// Kinds of keys. Those of services are what logs in there.
const (
	Age        = "age"
	PGP        = "pgp"
	VaultToken = "vault-token"
	AWS        = "aws-kms"
	Azure      = "azure-kv"
	GCP        = "gcp-kms"
	// Answers is what key services answered, for the plugin that decrypts.
	Answers = "answers"
)

// Settings of keys of services.
const (
	// Allow lists what may be asked with a key, one in a line: Vault's addresses,
	// keys and roles by name. A "*" at the end stands for any rest.
	Allow = "allow"
	// CA holds the certificates of those that sign Vault's, as PEM.
	CA = "ca"
	// Namespace is Vault's.
	Namespace = "namespace"
	// Ambient is set if the plugin's surroundings log in: its environment, and the
	// cloud's metadata.
	Ambient = "ambient"
	// Unasked is set if nothing may be asked now, to the reason.
	Unasked = "unasked"
)

// OfService says whether keys of a kind are for a key service.
func OfService(kind string) bool {
	return slices.Contains([]string{VaultToken, AWS, Azure, GCP}, kind)
}

// Decrypt has a plugin decrypt.
type Decrypt func(ctx context.Context, plugin string, req *sdk.DecryptRequest) ([]byte, error)

// A Source has data keys of a file opened by what is not a key in hand. It returns
// an Answers key, or false if it can do nothing.
type Source func(ctx context.Context, req *sdk.DecryptRequest) (sdk.Key, bool, error)

// File decrypts a SOPS file: with the keys in hand, or else with what sources and
// key services answer. The error is sdk.ErrNoKey if nothing opens the file.
func File(ctx context.Context, decrypt Decrypt, req *sdk.DecryptRequest, sources ...Source) ([]byte, error) {
	local, services := *req, *req
	local.Keys, services.Keys = nil, nil
	for _, key := range req.Keys {
		if OfService(key.Kind) {
			services.Keys = append(services.Keys, key)
		} else {
			local.Keys = append(local.Keys, key)
		}
	}
	plain, err := decrypt(ctx, Local, &local)
	if len(services.Keys) > 0 {
		sources = append(slices.Clip(sources), ask(decrypt, services.Keys))
	}
	for _, source := range sources {
		if !errors.Is(err, sdk.ErrNoKey) {
			break
		}
		answers, ok, sourceErr := source(ctx, &local)
		if sourceErr != nil {
			return nil, sourceErr
		}
		if ok {
			local.Keys = append(local.Keys, answers)
			plain, err = decrypt(ctx, Local, &local)
		}
	}
	return plain, err
}

// ask is the source of key services.
func ask(decrypt Decrypt, keys []sdk.Key) Source {
	return func(ctx context.Context, req *sdk.DecryptRequest) (sdk.Key, bool, error) {
		asked := *req
		asked.Keys = keys
		answers, err := decrypt(ctx, Services, &asked)
		if err != nil {
			return sdk.Key{}, false, fmt.Errorf("ask its key services: %w", err)
		}
		return sdk.Key{Kind: Answers, Name: "key services", Material: answers}, true, nil
	}
}
