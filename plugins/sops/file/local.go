package file

import (
	"context"
	"fmt"
	"os"

	"github.com/getsops/sops/v3/keyservice"
	"google.golang.org/grpc"

	"github.com/tidelock-io/tidelock/plugins/sops/reach"
)

// LocalKeys are all keys that sops finds on this machine: age keys, the GnuPG
// home, and the logins of clouds and Vault. A Vault's token goes to $VAULT_ADDR and
// nowhere else, whatever address a file or a rule names.
func LocalKeys() Keys { return local{keyservice.NewLocalClient()} }

type local struct{ Keys }

// Encrypt encrypts a data key.
func (l local) Encrypt(ctx context.Context, req *keyservice.EncryptRequest, opts ...grpc.CallOption) (*keyservice.EncryptResponse, error) {
	if err := permit(req.GetKey().GetVaultKey()); err != nil {
		return nil, err
	}
	return l.Keys.Encrypt(ctx, req, opts...)
}

// Decrypt decrypts a data key.
func (l local) Decrypt(ctx context.Context, req *keyservice.DecryptRequest, opts ...grpc.CallOption) (*keyservice.DecryptResponse, error) {
	if err := permit(req.GetKey().GetVaultKey()); err != nil {
		return nil, err
	}
	return l.Keys.Decrypt(ctx, req, opts...)
}

// permit checks whom a key would have us ask; it is nil if it is not Vault's.
func permit(key *keyservice.VaultKey) error {
	if key == nil {
		return nil
	}
	at, err := reach.Origin(key.GetVaultAddress())
	if err != nil || !reach.VaultKey(key.GetEnginePath(), key.GetKeyName()) {
		return fmt.Errorf("%q is no address of a key of Vault's transit engine", key.GetVaultAddress()+"/v1/"+key.GetEnginePath()+"/keys/"+key.GetKeyName())
	}
	own, err := reach.Origin(os.Getenv("VAULT_ADDR"))
	if err != nil || *own != *at {
		return fmt.Errorf("the token of Vault is not sent to %s: set VAULT_ADDR to it if it is yours", at)
	}
	return nil
}
