package sealed

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"k8s.io/client-go/util/cert"
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
type Keys struct{ held []key } // the newest first

// A key is a private key with its public half.
type key struct {
	Recipient
	private *rsa.PrivateKey
}

// alone is how sealed-secrets' functions want a key.
func (k key) alone() map[string]*rsa.PrivateKey {
	return map[string]*rsa.PrivateKey{k.fingerprint: k.private}
}

// ParseKeys reads keys from the data of their Secrets: tls.key, an RSA private
// key in PEM, and tls.crt, its certificate, which may be absent. A Secret that
// holds no such key is left out, and the error names it by its place in pairs;
// the Keys are good even so, as with the controller.
func ParseKeys(pairs ...map[string][]byte) (Keys, error) {
	var keys Keys
	var errs []error
	for i, pair := range pairs {
		if len(keys.held) == maxKeys {
			errs = append(errs, fmt.Errorf("sealing keys: more than %d, the rest is left out", maxKeys))
			break
		}
		if err := keys.add(pair["tls.key"], pair["tls.crt"]); err != nil {
			errs = append(errs, fmt.Errorf("sealing key %d: %w", i, err))
		}
	}
	slices.SortStableFunc(keys.held, func(a, b key) int { return b.NotBefore.Compare(a.NotBefore) })
	return keys, errors.Join(errs...)
}

// add takes a key in, once, by the certificate that says most of it.
func (k *Keys) add(pem, certificate []byte) error {
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
	recipient, err := publicHalf(private, certificate)
	if err != nil {
		return err
	}
	known := slices.IndexFunc(k.held, func(held key) bool { return held.fingerprint == recipient.fingerprint })
	switch {
	case known < 0:
		k.held = append(k.held, key{recipient, private})
	case k.held[known].NotBefore.Before(recipient.NotBefore):
		k.held[known].Recipient = recipient
	}
	return nil
}

// publicHalf is that of a key. A certificate of another key says nothing of this
// one.
func publicHalf(private *rsa.PrivateKey, certificate []byte) (Recipient, error) {
	certs, err := cert.ParseCertsPEM(certificate)
	if err == nil && private.PublicKey.Equal(certs[0].PublicKey) {
		return recipientOf(certs[0])
	}
	return newRecipient(&private.PublicKey)
}

// Newest returns whom to seal for: the key whose certificate is valid since the
// latest moment, as the controller has it. It is false if there are no keys.
func (k Keys) Newest() (Recipient, bool) {
	if len(k.held) == 0 {
		return Recipient{}, false
	}
	return k.held[0].Recipient, true
}

// Join returns the keys of both.
func (k Keys) Join(other Keys) Keys {
	all := Keys{slices.Clone(k.held)}
	for _, o := range other.held {
		if !slices.ContainsFunc(all.held, func(held key) bool { return held.fingerprint == o.fingerprint }) {
			all.held = append(all.held, o)
		}
	}
	slices.SortStableFunc(all.held, func(a, b key) int { return b.NotBefore.Compare(a.NotBefore) })
	return all
}

// Fingerprints lists the keys as "SHA256:…", sorted.
func (k Keys) Fingerprints() []string {
	prints := make([]string, len(k.held))
	for i, held := range k.held {
		prints[i] = held.fingerprint
	}
	slices.Sort(prints)
	return prints
}

// String lists the fingerprints, and so do the methods below.
func (k Keys) String() string               { return strings.Join(k.Fingerprints(), ", ") }
func (k Keys) GoString() string             { return k.String() }
func (k Keys) Format(s fmt.State, _ rune)   { fmt.Fprint(s, k.String()) }
func (k Keys) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
func (k Keys) LogValue() slog.Value         { return slog.StringValue(k.String()) }

// listed says for an error which keys there are. Operators compare fingerprints
// with those of another cluster or of a backup.
func (k Keys) listed() string {
	if len(k.held) == 0 {
		return "there is no sealing key to open it with"
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
