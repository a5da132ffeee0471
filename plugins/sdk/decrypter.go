package sdk

import (
	"context"
	"errors"
	"log/slog"
)

// ErrNoKey says that none of the given keys opens the file. It differs from a
// file that is broken or was tampered with.
var ErrNoKey = errors.New("no key opens this file")

// A Decrypter turns encrypted bytes into plain ones.
//
// Its errors must not quote plain text, keys, or unkeyed hashes of either.
type Decrypter interface {
	Decrypt(ctx context.Context, req *DecryptRequest) ([]byte, error)
}

// A DecryptRequest is one encrypted file and the keys that may open it.
type DecryptRequest struct {
	Application string
	// Path is the file's path in the repository. Its extension tells the format
	// of what is encrypted, unless Format says it: "yaml", "json", "dotenv",
	// "ini" or "binary".
	Path   string
	Format string
	Data   []byte
	Keys   []Key

	used *[]string // by whom it was opened; nil if nobody wants to know
}

// Used notes a key that opened the file, by its public name: a recipient or a
// fingerprint. It is for the audit trail.
func (r *DecryptRequest) Used(name string) {
	if r.used != nil {
		*r.used = append(*r.used, name)
	}
}

// A Key is a decryption key: material that never prints.
type Key struct {
	// Kind is "age", "pgp", "vault-token", "aws-kms", "azure-kv" or "gcp-kms".
	Kind string
	// Name says where the key came from, for messages:
	// "Secret argocd/sops-age, key demo.agekey".
	Name string
	// Material is the key itself, in the format that its kind uses.
	Material Material
	// Settings are what else is said of the key, and no secret: what it may be
	// used for, say.
	Settings map[string]string
}

// Material is key material. It does not print.
type Material []byte

// String hides the material, and so do the other methods of formatting.
func (Material) String() string               { return "(hidden)" }
func (Material) GoString() string             { return "(hidden)" }
func (Material) MarshalText() ([]byte, error) { return []byte("(hidden)"), nil }
func (Material) LogValue() slog.Value         { return slog.StringValue("(hidden)") }
