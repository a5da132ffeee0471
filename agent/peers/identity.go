package peers

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"math/big"
	"time"
)

// An identity is the key of a process, with a certificate that nobody else has signed.
type identity struct {
	certificate tls.Certificate
	print       string
}

func newIdentity() (identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return identity{}, fmt.Errorf("make a key: %w", err)
	}
	// Who pins the certificate asks neither for its names nor for its time.
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return identity{}, fmt.Errorf("make a certificate: %w", err)
	}
	return identity{tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, printOf(der)}, nil
}

// printOf tells a certificate from all others.
func printOf(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// server is how connections are taken: with any certificate whose key the other end
// has. Whose it is, each request is asked.
func (i identity) server() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{i.certificate}, ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS13}
}

// client is how connections are made to the one with a print, and to no other.
func (i identity) client(pinned string) *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{i.certificate}, MinVersion: tls.VersionTLS13,
		InsecureSkipVerify: true, //nolint:gosec // no name and no authority counts, but the very certificate
		VerifyConnection: func(s tls.ConnectionState) error {
			if got := printOf(s.PeerCertificates[0].Raw); got != pinned {
				return fmt.Errorf("%w: it has the certificate %.12s, and its Lease says %.12s", ErrStranger, got, pinned)
			}
			return nil
		},
	}
}
