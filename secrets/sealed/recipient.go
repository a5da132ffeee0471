package sealed

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/bitnami/sealed-secrets/pkg/crypto"
	"k8s.io/client-go/util/cert"
)

// A Recipient is whom something is sealed for: the public half of a sealing key.
// It prints as the key's fingerprint. The zero Recipient is nobody.
type Recipient struct {
	public      *rsa.PublicKey
	fingerprint string
	// NotBefore and NotAfter are those of the certificate, zero without one.
	// NotBefore puts keys in order: the newest is the one to seal for.
	NotBefore, NotAfter time.Time
	certificate         []byte // DER, nil without one
}

// ParseCertificate reads the first certificate of a text in PEM: what the
// controller serves as /v1/cert.pem, and keeps as tls.crt.
func ParseCertificate(text []byte) (Recipient, error) {
	certs, err := cert.ParseCertsPEM(text)
	if err != nil {
		return Recipient{}, errors.New("certificate: this is none in PEM")
	}
	return recipientOf(certs[0])
}

func recipientOf(c *x509.Certificate) (Recipient, error) {
	public, ok := c.PublicKey.(*rsa.PublicKey)
	if !ok {
		return Recipient{}, errors.New("certificate: it is not for an RSA key, and sealed-secrets knows only those")
	}
	r, err := newRecipient(public)
	r.NotBefore, r.NotAfter, r.certificate = c.NotBefore, c.NotAfter, c.Raw
	return r, err
}

func newRecipient(public *rsa.PublicKey) (Recipient, error) {
	fingerprint, err := crypto.PublicKeyFingerprint(public)
	if err != nil {
		return Recipient{}, fmt.Errorf("fingerprint of a sealing key: %w", err)
	}
	return Recipient{public: public, fingerprint: fingerprint}, nil
}

// Valid is an error if the certificate has run out, for which nothing should be
// sealed any more.
func (r Recipient) Valid(now time.Time) error {
	switch {
	case r.public == nil:
		return errors.New("there is no certificate to seal for")
	case !r.NotAfter.IsZero() && now.After(r.NotAfter):
		return fmt.Errorf("the certificate of %s ran out on %s", r, r.NotAfter.Format(time.DateOnly))
	}
	return nil
}

// Certificate returns the certificate in PEM, nil if there is none.
func (r Recipient) Certificate() []byte {
	if r.certificate == nil {
		return nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: cert.CertificateBlockType, Bytes: r.certificate})
}

// String is the fingerprint: "SHA256:…".
func (r Recipient) String() string { return r.fingerprint }
