package sealed

import (
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"

	ssv1alpha1 "github.com/bitnami/sealed-secrets/pkg/apis/sealedsecrets/v1alpha1"
)

// A seal is what an item may have been sealed for.
type seal struct {
	scope           ssv1alpha1.SealingScope
	namespace, name string
}

func (s seal) label() []byte { return ssv1alpha1.EncryptionLabel(s.namespace, s.name, s.scope) }

// String prints as "strict shop/db", "namespace-wide shop", "cluster-wide".
func (s seal) String() string {
	switch s.scope {
	case ssv1alpha1.ClusterWideScope:
		return "cluster-wide"
	case ssv1alpha1.NamespaceWideScope:
		return "namespace-wide " + s.namespace
	default:
		return "strict " + s.namespace + "/" + s.name
	}
}

// explain finds out why an item of in does not open. sealed-secrets says "no key
// could decrypt secret" for all causes.
func explain(in *ssv1alpha1.SealedSecret, item string, keys Keys) error {
	tried := seal{ssv1alpha1.SecretScope(in), in.Namespace, in.Name}
	return fmt.Errorf("item %q: %w", item, explainItem(in, keys, item, tried))
}

func explainItem(in *ssv1alpha1.SealedSecret, keys Keys, item string, tried seal) error {
	sealed, err := base64.StdEncoding.DecodeString(in.Spec.EncryptedData[item])
	if err != nil {
		return fmt.Errorf("%w: it is not base64", ErrBroken)
	}
	session, ok := sessionKey(sealed)
	if !ok {
		return fmt.Errorf("%w: it is cut short", ErrBroken)
	}
	if keys.openSession(session, tried.label()) {
		return fmt.Errorf("%w: a key opens it as %s, but it was altered or cut after sealing", ErrBroken, tried)
	}
	for _, other := range candidates(in) {
		if keys.openSession(session, other.label()) {
			return fmt.Errorf("%w: it is sealed %s, and was tried as %s; %s", ErrScope, other, tried, keys.listed())
		}
	}
	return fmt.Errorf("%w: tried as %s; it was sealed with another cluster's key, or for another namespace or name; %s",
		ErrNoKey, tried, keys.listed())
}

// sessionKey cuts the encrypted session key from a sealed item: two bytes of
// length, the key, the text (crypto.HybridEncrypt).
func sessionKey(sealed []byte) ([]byte, bool) {
	if len(sealed) < 2 {
		return nil, false
	}
	n := int(binary.BigEndian.Uint16(sealed))
	if n == 0 || len(sealed) < 2+n {
		return nil, false
	}
	return sealed[2 : 2+n], true
}

// openSession reports whether a key opens the session key under label.
func (k Keys) openSession(session, label []byte) bool {
	for _, held := range k.held {
		if _, err := rsa.DecryptOAEP(sha256.New(), nil, held.private, session, label); err == nil {
			return true
		}
	}
	return false
}

// candidates are the seals in may really have: the other scopes, and those of
// the Secret it was made from, whose namespace and name kubeseal leaves in the
// template. A label can be tested and not read.
func candidates(in *ssv1alpha1.SealedSecret) []seal {
	out := []seal{{scope: ssv1alpha1.ClusterWideScope}}
	was := in.Spec.Template.ObjectMeta
	for _, namespace := range distinct(in.Namespace, was.Namespace) {
		out = append(out, seal{ssv1alpha1.NamespaceWideScope, namespace, ""})
		for _, name := range distinct(in.Name, was.Name) {
			out = append(out, seal{ssv1alpha1.StrictScope, namespace, name})
		}
	}
	return out
}

func distinct(a, b string) []string {
	if b == "" || a == b {
		return []string{a}
	}
	return []string{a, b}
}
