package sealed

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/bitnami/sealed-secrets/pkg/crypto"
	"k8s.io/client-go/util/keyutil"
)

// The label on the Secrets (type kubernetes.io/tls) that hold sealing keys. A
// key counts only while the label's value is KeyActive: any other value takes
// the key out of use, for opening too.
const (
	KeyLabel  = "sealedsecrets.bitnami.com/sealed-secrets-key"
	KeyActive = "active"
)

// maxKeys bounds the private keys that are tried. A key is added every 30 days
// by default, so this is centuries.
const maxKeys = 1000

// Keys are the private keys that open SealedSecrets. They print as their
// fingerprints. The zero Keys open nothing.
type Keys struct{ private map[string]*rsa.PrivateKey }

// ParseKeys reads keys from the data of their Secrets: tls.key, an RSA private
// key in PEM. A Secret that holds no such key is left out, and the error names
// it by its place in pairs; the Keys are good even so, as with the controller.
func ParseKeys(pairs ...map[string][]byte) (Keys, error) {
	keys := Keys{private: make(map[string]*rsa.PrivateKey, len(pairs))}
	var errs []error
	for i, pair := range pairs {
		if len(keys.private) == maxKeys {
			errs = append(errs, fmt.Errorf("sealing keys: more than %d, the rest is left out", maxKeys))
			break
		}
		if err := keys.add(pair["tls.key"]); err != nil {
			errs = append(errs, fmt.Errorf("sealing key %d: %w", i, err))
		}
	}
	return keys, errors.Join(errs...)
}

func (k Keys) add(pem []byte) error {
	if len(pem) == 0 {
		return errors.New("it has no tls.key")
	}
	parsed, err := keyutil.ParsePrivateKeyPEM(pem)
	if err != nil {
		return errors.New("its tls.key is no private key in PEM")
	}
	private, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return errors.New("its tls.key is no RSA key, and sealed-secrets knows only those")
	}
	fingerprint, err := crypto.PublicKeyFingerprint(&private.PublicKey)
	if err != nil {
		return err
	}
	k.private[fingerprint] = private
	return nil
}

// Fingerprints lists the keys as "SHA256:…", sorted.
func (k Keys) Fingerprints() []string { return slices.Sorted(maps.Keys(k.private)) }

// String lists the fingerprints, and so do the methods below.
func (k Keys) String() string               { return strings.Join(k.Fingerprints(), ", ") }
func (k Keys) GoString() string             { return k.String() }
func (k Keys) Format(s fmt.State, _ rune)   { fmt.Fprint(s, k.String()) }
func (k Keys) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
func (k Keys) LogValue() slog.Value         { return slog.StringValue(k.String()) }

// held says for an error which keys there are. Operators compare fingerprints
// with those of another cluster or of a backup.
func (k Keys) held() string {
	if len(k.private) == 0 {
		return "the agent holds no sealing key"
	}
	const most = 8
	prints := k.Fingerprints()
	more := ""
	if len(prints) > most {
		more = fmt.Sprintf(" and %d more", len(prints)-most)
		prints = prints[:most]
	}
	return "keys held: " + strings.Join(prints, ", ") + more
}
