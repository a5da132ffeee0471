package sealed

import (
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"

	ssv1alpha1 "github.com/bitnami/sealed-secrets/pkg/apis/sealedsecrets/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/util/cert"
)

// secretType is what a Secret's apiVersion and kind are.
var secretType = metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}

// Seal encrypts data for the holder of the key that certificate, in PEM, is
// for, and returns the SealedSecret as JSON: what kubeseal does. Scope is
// "strict", "namespace-wide" or "cluster-wide", "" for strict.
func Seal(certificate []byte, scope, namespace, name string, data map[string][]byte) ([]byte, error) {
	public, err := publicKey(certificate)
	if err != nil {
		return nil, fmt.Errorf("seal %s/%s: %w", namespace, name, err)
	}
	var kind ssv1alpha1.SealingScope
	if err := kind.Set(scope); err != nil {
		return nil, fmt.Errorf("seal %s/%s: scope %q: %w", namespace, name, scope, err)
	}
	secret := &corev1.Secret{
		TypeMeta: secretType,
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name,
			Annotations: ssv1alpha1.UpdateScopeAnnotations(nil, kind),
		},
		Data: data,
	}
	out, err := ssv1alpha1.NewSealedSecret(serializer.CodecFactory{}, public, secret)
	if err != nil {
		return nil, fmt.Errorf("seal %s/%s: %w", namespace, name, err)
	}
	out.TypeMeta = metav1.TypeMeta{APIVersion: ssv1alpha1.SchemeGroupVersion.String(), Kind: "SealedSecret"}
	return json.Marshal(out)
}

func publicKey(certificate []byte) (*rsa.PublicKey, error) {
	certs, err := cert.ParseCertsPEM(certificate)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	public, ok := certs[0].PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("certificate: it is not for an RSA key")
	}
	return public, nil
}
