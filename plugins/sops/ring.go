package sops

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"
	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/keyservice"
	"google.golang.org/grpc"

	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// maxDataKey bounds what an age file may hold instead of a 32-byte key.
const maxDataKey = 4 << 10

// A ring opens data keys with the keys of one request. SOPS asks it for each of
// a file's recipients.
type ring struct {
	identities []age.Identity
	tried      []string // names of the keys
	broken     error    // a key fits, and what it opens is damaged
}

var _ keyservice.KeyServiceClient = (*ring)(nil)

func newRing(keys []sdk.Key) (*ring, error) {
	r := &ring{}
	for _, key := range keys {
		if key.Kind != "age" {
			return nil, fmt.Errorf("%s: keys of kind %q are not supported yet, age is", key.Name, key.Kind)
		}
		identities, err := parse(key.Material)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key.Name, err)
		}
		r.identities = append(r.identities, identities...)
		r.tried = append(r.tried, key.Name)
	}
	return r, nil
}

// parse reads what age-keygen or ssh-keygen wrote. The libraries' errors may
// quote a line of it.
func parse(material []byte) ([]age.Identity, error) {
	if bytes.Contains(material, []byte("-----BEGIN")) {
		identity, err := agessh.ParseIdentity(material)
		if err != nil {
			return nil, errors.New("not an SSH key that age can use without a passphrase")
		}
		return []age.Identity{identity}, nil
	}
	identities, err := age.ParseIdentities(bytes.NewReader(material))
	if err != nil {
		return nil, errors.New("not an age key: expected lines that begin with AGE-SECRET-KEY-1")
	}
	return identities, nil
}

// Decrypt opens a data key.
func (r *ring) Decrypt(_ context.Context, req *keyservice.DecryptRequest, _ ...grpc.CallOption) (*keyservice.DecryptResponse, error) {
	if req.GetKey().GetAgeKey() == nil || len(r.identities) == 0 {
		return nil, sdk.ErrNoKey
	}
	plain, err := age.Decrypt(armor.NewReader(bytes.NewReader(req.GetCiphertext())), r.identities...)
	if none := (*age.NoIdentityMatchError)(nil); errors.As(err, &none) {
		return nil, sdk.ErrNoKey
	}
	if err == nil {
		var key []byte
		if key, err = io.ReadAll(io.LimitReader(plain, maxDataKey)); err == nil {
			return &keyservice.DecryptResponse{Plaintext: key}, nil
		}
	}
	r.broken = fmt.Errorf("its data key for %s: %w", req.GetKey().GetAgeKey().GetRecipient(), ErrDamaged)
	return nil, r.broken
}

// Encrypt is what a decrypter does not do.
func (*ring) Encrypt(context.Context, *keyservice.EncryptRequest, ...grpc.CallOption) (*keyservice.EncryptResponse, error) {
	return nil, errors.ErrUnsupported
}

// verdict says why the file's data key could not be had.
func (r *ring) verdict(tree *sops.Tree) error {
	if r.broken != nil {
		return r.broken
	}
	var recipients []string
	for _, group := range tree.Metadata.KeyGroups {
		for _, key := range group {
			recipients = append(recipients, key.TypeToIdentifier()+" "+key.ToString())
		}
	}
	slices.Sort(recipients)
	if len(recipients) == 0 {
		return fmt.Errorf("%w: it names no recipient", ErrMalformed)
	}
	return fmt.Errorf("%w: it is encrypted for %s; tried: %s", sdk.ErrNoKey, list(recipients), list(r.tried))
}

// list prints at most a handful of names.
func list(names []string) string {
	const most = 8
	if len(names) == 0 {
		return "none, for there are no keys"
	}
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
