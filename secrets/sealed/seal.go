package sealed

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	ssv1alpha1 "github.com/bitnami/sealed-secrets/pkg/apis/sealedsecrets/v1alpha1"
	"github.com/bitnami/sealed-secrets/pkg/crypto"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/serializer"
)

// secretType is what a Secret's apiVersion and kind are.
var secretType = metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}

// A Scope says where a SealedSecret opens. The zero Scope is strict: under its
// own namespace and name only.
type Scope struct{ kind ssv1alpha1.SealingScope }

// ParseScope reads "strict", "namespace-wide" or "cluster-wide"; "" is strict.
func ParseScope(text string) (Scope, error) {
	var s Scope
	if err := s.kind.Set(text); err != nil {
		return s, fmt.Errorf("scope %.40q is none of strict, namespace-wide and cluster-wide", text)
	}
	return s, nil
}

// ScopeOf is the scope that an object's annotations state.
func ScopeOf(annotations map[string]string) Scope {
	return Scope{ssv1alpha1.SecretScope(&metav1.ObjectMeta{Annotations: annotations})}
}

// String prints as ParseScope reads.
func (s Scope) String() string { return s.kind.String() }

// Needs is an error if the scope binds what is sealed to a namespace or a name
// that is not given.
func (s Scope) Needs(namespace, name string) error {
	switch {
	case s.kind != ssv1alpha1.ClusterWideScope && namespace == "":
		return fmt.Errorf("the scope %s needs a namespace, and none is given", s)
	case s.kind == ssv1alpha1.StrictScope && name == "":
		return errors.New("the scope strict needs a name, and none is given")
	}
	return nil
}

// SealItem encrypts one value, and returns it as an item of encryptedData.
func (r Recipient) SealItem(scope Scope, namespace, name string, value secrets.Value) (string, error) {
	if err := scope.Needs(namespace, name); err != nil {
		return "", err
	}
	return r.encrypt(value.Reveal(), ssv1alpha1.EncryptionLabel(namespace, name, scope.kind))
}

func (r Recipient) encrypt(plain, label []byte) (string, error) {
	ciphertext, err := crypto.HybridEncrypt(rand.Reader, r.public, plain, label)
	if err != nil {
		return "", fmt.Errorf("encrypt for %s: %w", r, err)
	}
	return base64.StdEncoding.EncodeToString(ciphertext), nil
}

// SealSecret encrypts a Secret and returns the SealedSecret as JSON: what
// kubeseal does. Without a scope that of the Secret's annotations counts.
func (r Recipient) SealSecret(o *manifest.Object, scope *Scope) ([]byte, error) {
	var secret corev1.Secret
	if err := json.Unmarshal(o.JSON(), &secret); err != nil {
		return nil, fmt.Errorf("%s: %w", o.Key, err)
	}
	if scope != nil {
		secret.Annotations = ssv1alpha1.UpdateScopeAnnotations(secret.Annotations, scope.kind)
	}
	if err := ScopeOf(secret.Annotations).Needs(secret.Namespace, secret.Name); err != nil {
		return nil, fmt.Errorf("%s: %w", o.Key, err)
	}
	secret.Data = make(map[string][]byte, len(o.Data()))
	for key, value := range o.Data() {
		secret.Data[key] = value.Reveal()
	}
	return r.seal(&secret)
}

func (r Recipient) seal(secret *corev1.Secret) ([]byte, error) {
	out, err := ssv1alpha1.NewSealedSecret(serializer.CodecFactory{}, r.public, secret)
	if err != nil {
		return nil, fmt.Errorf("seal %s/%s: %w", secret.Namespace, secret.Name, err)
	}
	out.TypeMeta = metav1.TypeMeta{APIVersion: ssv1alpha1.SchemeGroupVersion.String(), Kind: "SealedSecret"}
	return json.Marshal(out)
}

// Seal encrypts data for the holder of the key that certificate, in PEM, is
// for, and returns the SealedSecret as JSON. Scope is as ParseScope reads it.
func Seal(certificate []byte, scope, namespace, name string, data map[string][]byte) ([]byte, error) {
	to, err := ParseCertificate(certificate)
	if err != nil {
		return nil, fmt.Errorf("seal %s/%s: %w", namespace, name, err)
	}
	kind, err := ParseScope(scope)
	if err != nil {
		return nil, fmt.Errorf("seal %s/%s: %w", namespace, name, err)
	}
	return to.seal(&corev1.Secret{
		TypeMeta: secretType,
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name,
			Annotations: ssv1alpha1.UpdateScopeAnnotations(nil, kind.kind),
		},
		Data: data,
	})
}
