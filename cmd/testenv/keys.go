package testenv

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"time"

	"filippo.io/age"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/secrets/sealed"
)

// A SOPSKey is an age key for SOPS files.
type SOPSKey struct{ identity *age.X25519Identity }

// NewSOPSKey makes a key.
func NewSOPSKey() (SOPSKey, error) {
	identity, err := age.GenerateX25519Identity()
	return SOPSKey{identity}, err
}

// Recipient is the public half: what .sops.yaml names.
func (k SOPSKey) Recipient() string { return k.identity.Recipient().String() }

// Private is the other half, as in an age key file.
func (k SOPSKey) Private() string { return k.identity.String() }

// Secret is how the agent is given the key.
func (k SOPSKey) Secret(name string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: AgentNamespace, Name: name,
			Labels: map[string]string{api.LabelTidelockSecretType: api.SecretTypeSOPSKey},
		},
		Data: map[string][]byte{"demo.agekey": []byte(k.Private() + "\n")},
	}
}

// A SealingKey is a key pair of sealed-secrets.
type SealingKey struct {
	Certificate []byte // PEM: what kubeseal uses
	private     []byte // PEM
}

// NewSealingKey makes a key as its controller does.
func NewSealingKey() (SealingKey, error) { return NewSealingKeyAt(time.Now().Add(-time.Hour)) }

// NewSealingKeyAt makes a key that is as old as it says.
func NewSealingKeyAt(begin time.Time) (SealingKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, 4096)
	if err != nil {
		return SealingKey{}, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{},
		NotBefore:    begin,
		NotAfter:     begin.AddDate(10, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return SealingKey{}, err
	}
	return SealingKey{
		Certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
		private:     pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
	}, nil
}

// Secret is how the controller keeps the key, and the agent is given it.
func (k SealingKey) Secret(namespace, name string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name,
			Labels: map[string]string{sealed.KeyLabel: sealed.KeyActive},
		},
		Type: corev1.SecretTypeTLS,
		Data: map[string][]byte{corev1.TLSCertKey: k.Certificate, corev1.TLSPrivateKeyKey: k.private},
	}
}

// Seal makes a SealedSecret, as JSON. Scope is "strict", "namespace-wide" or
// "cluster-wide".
func (k SealingKey) Seal(scope, namespace, name string, data map[string][]byte) ([]byte, error) {
	return sealed.Seal(k.Certificate, scope, namespace, name, data)
}
