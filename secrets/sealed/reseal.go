package sealed

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	ssv1alpha1 "github.com/bitnami/sealed-secrets/pkg/apis/sealedsecrets/v1alpha1"
	"github.com/tidelock-io/tidelock/render/manifest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A Resealer encrypts the items of a SealedSecret anew, for the newest key, and
// changes nothing else of it. Templates are never run for it: whoever wrote one
// would learn from the outcome.
type Resealer interface {
	// Reseal returns the items that are other than before, by name. The SealedSecret
	// has the namespace that it is opened under.
	Reseal(ctx context.Context, o *manifest.Object) (map[string]string, error)
}

// WithKeys reseals here. An item that the key of To opens is left as it is.
type WithKeys struct {
	Keys Keys
	To   Recipient
}

// Reseal implements [Resealer].
func (w WithKeys) Reseal(ctx context.Context, o *manifest.Object) (map[string]string, error) {
	in, err := Opener{}.decode(o)
	if err != nil {
		return nil, err
	}
	tried := seal{ssv1alpha1.SecretScope(in), in.Namespace, in.Name}
	var turn fitting
	out := map[string]string{}
	for _, item := range slices.Sorted(maps.Keys(in.Spec.EncryptedData)) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		sealed, err := base64.StdEncoding.DecodeString(in.Spec.EncryptedData[item])
		if err != nil {
			return nil, explain(in, item, w.Keys)
		}
		plain, by, err := turn.open(w.Keys, sealed, tried.label())
		if err != nil {
			return nil, explain(in, item, w.Keys)
		}
		if by.fingerprint == w.To.fingerprint {
			continue
		}
		if out[item], err = w.To.encrypt(plain, tried.label()); err != nil {
			return nil, fmt.Errorf("item %q: %w", item, err)
		}
		clear(plain)
	}
	return out, nil
}

// ByController has the controller reseal, at its endpoint /v1/rotate, so that
// nothing is ever decrypted here. It cannot tell what was sealed for the newest
// key before, so that all items come back other than they were.
type ByController struct {
	// Rotate sends a SealedSecret and returns what comes back.
	Rotate func(ctx context.Context, sealedSecret []byte) ([]byte, error)
}

// Reseal implements [Resealer]. What is sent is the encrypted items, and what
// they are sealed for.
func (c ByController) Reseal(ctx context.Context, o *manifest.Object) (map[string]string, error) {
	in, err := Opener{}.decode(o)
	if err != nil {
		return nil, err
	}
	if len(in.Spec.EncryptedData) == 0 {
		return nil, nil
	}
	meta := metav1.ObjectMeta{
		Namespace: in.Namespace, Name: in.Name,
		Annotations: ssv1alpha1.UpdateScopeAnnotations(nil, ssv1alpha1.SecretScope(in)),
	}
	sent := ssv1alpha1.SealedSecret{
		TypeMeta: metav1.TypeMeta{APIVersion: o.APIVersion(), Kind: o.Key.Kind}, ObjectMeta: meta,
		Spec: ssv1alpha1.SealedSecretSpec{
			EncryptedData: in.Spec.EncryptedData, Template: ssv1alpha1.SecretTemplateSpec{ObjectMeta: meta},
		},
	}
	raw, err := json.Marshal(sent)
	if err != nil {
		return nil, err
	}
	if raw, err = c.Rotate(ctx, raw); err != nil {
		return nil, fmt.Errorf("have the controller seal it anew: %w", err)
	}
	return answered(in, raw)
}

// answered reads the controller's answer, which has to be about the same items.
func answered(in *ssv1alpha1.SealedSecret, raw []byte) (map[string]string, error) {
	var back ssv1alpha1.SealedSecret
	if err := json.Unmarshal(raw, &back); err != nil {
		return nil, errors.New("the controller's answer is no SealedSecret")
	}
	out := make(map[string]string, len(in.Spec.EncryptedData))
	for item := range in.Spec.EncryptedData {
		text := back.Spec.EncryptedData[item]
		if _, err := base64.StdEncoding.DecodeString(text); err != nil || text == "" {
			return nil, fmt.Errorf("the controller's answer lacks item %q", item)
		}
		out[item] = text
	}
	return out, nil
}
