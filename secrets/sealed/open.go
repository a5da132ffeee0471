package sealed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	ssv1alpha1 "github.com/bitnami/sealed-secrets/pkg/apis/sealedsecrets/v1alpha1"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets"
	corev1 "k8s.io/api/core/v1"
)

// Why a SealedSecret does not open. Each error of [Open] is one of these.
var (
	// ErrScope says that one of our keys opens it, for another namespace, name
	// or scope than it has.
	ErrScope = errors.New("sealed for another namespace, name or scope")
	// ErrNoKey says that none of our keys opens it.
	ErrNoKey = errors.New("no key opens it")
	// ErrBroken says that it is malformed, or was altered after sealing.
	ErrBroken = errors.New("broken")
	// ErrTemplate says that spec.template.data does not render.
	ErrTemplate = errors.New("its template fails")
)

// Limits. A Secret cannot exceed 1 MiB; sealing adds a third and some.
const (
	maxItems = 2000
	maxBytes = 4 << 20 // of encrypted items and templates together
)

// IsKind reports whether o is a SealedSecret.
func IsKind(o *manifest.Object) bool {
	return o.Key.Group == "bitnami.com" && o.Key.Kind == "SealedSecret"
}

// An Opener opens SealedSecrets. It is safe for concurrent use.
type Opener struct {
	// Keys open them.
	Keys Keys
	// Templates runs what spec.template.data states; it may be nil if nothing is.
	Templates Templates
	// Deprecated opens spec.data, too, a whole Secret in one piece, which kubeseal
	// has not made since 2019.
	Deprecated bool
}

// Open makes the Secret of the SealedSecret o, which must have its namespace
// and name: they are part of what the strict scope seals. The Secret equals the
// controller's but for the ownerReference, since nobody may serve its owner.
//
// Values that are in spec.template.data as well as sealed keep the sealed one.
// As with the controller, templates see all sealed values of this SealedSecret
// and nothing else.
//
// Errors are one of ErrScope, ErrNoKey, ErrBroken and ErrTemplate. They name
// the item, the scope and the keys held, and quote no value.
func (w Opener) Open(ctx context.Context, o *manifest.Object) (*manifest.Object, error) {
	in, err := w.decode(o)
	if err != nil {
		return nil, err
	}
	if in.Spec.Data != nil {
		return w.openDeprecated(in, o.Origin)
	}
	data, err := decrypt(ctx, in, w.Keys)
	if err != nil {
		return nil, err
	}
	// Templates are not authenticated, so opening and rendering are two steps.
	if data, err = render(ctx, in.Spec.Template.Data, data, w.Templates); err != nil {
		return nil, err
	}
	t := in.Spec.Template
	return object(in, corev1.Secret{ObjectMeta: t.ObjectMeta, Type: t.Type, Immutable: t.Immutable}, data, o.Origin)
}

// Orphans says that the Secret of a SealedSecret stays when the SealedSecret goes:
// its template asks for no owner.
func Orphans(o *manifest.Object) bool {
	var in ssv1alpha1.SealedSecret
	return json.Unmarshal(o.JSON(), &in) == nil && unowned(&in)
}

func unowned(in *ssv1alpha1.SealedSecret) bool {
	return in.Spec.Template.Annotations[ssv1alpha1.SealedSecretSkipSetOwnerReferencesAnnotation] == "true"
}

// decode reads o, and refuses what sealed-secrets would drop without a word.
func (w Opener) decode(o *manifest.Object) (*ssv1alpha1.SealedSecret, error) {
	if o.Version != "v1alpha1" {
		return nil, fmt.Errorf("%w: version %q is not known, only v1alpha1 is", ErrBroken, o.Version)
	}
	var strict struct {
		Spec struct {
			EncryptedData map[string]string `json:"encryptedData"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(o.JSON(), &strict); err != nil {
		return nil, fmt.Errorf("%w: spec.encryptedData must map names to texts", ErrBroken)
	}
	var in ssv1alpha1.SealedSecret
	if err := json.Unmarshal(o.JSON(), &in); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	switch {
	case in.Spec.Data != nil && !w.Deprecated:
		return nil, fmt.Errorf("%w: it has the field spec.data, deprecated since 2019: seal it again with a kubeseal of today", ErrBroken)
	case in.Spec.Data != nil && len(in.Spec.EncryptedData) > 0:
		return nil, fmt.Errorf("%w: it has both spec.encryptedData and the deprecated spec.data", ErrBroken)
	}
	if in.Namespace == "" {
		return nil, fmt.Errorf("%w: it has no namespace", ErrBroken)
	}
	return &in, withinLimits(&in)
}

func withinLimits(in *ssv1alpha1.SealedSecret) error {
	total := len(in.Spec.Data)
	for key, text := range in.Spec.EncryptedData {
		total += len(key) + len(text)
	}
	for key, text := range in.Spec.Template.Data {
		if total += len(key); text != nil {
			total += len(*text)
		}
	}
	if items := len(in.Spec.EncryptedData) + len(in.Spec.Template.Data); items > maxItems || total > maxBytes {
		return fmt.Errorf("%w: %w: %d items of %d bytes, %d of %d are allowed",
			ErrBroken, manifest.ErrLimit, items, total, maxItems, maxBytes)
	}
	return nil
}

// object writes the Secret. All metadata is the template's, but for what
// sealed-secrets forces and for its ownerReference.
func object(in *ssv1alpha1.SealedSecret, out corev1.Secret, data map[string]secrets.Value, origin manifest.Origin) (*manifest.Object, error) {
	meta := *out.ObjectMeta.DeepCopy()
	meta.Namespace, meta.Name = in.Namespace, in.Name
	if !unowned(in) {
		meta.OwnerReferences = nil // the controller would put the SealedSecret here, alone
	}
	raw, err := json.Marshal(corev1.Secret{TypeMeta: secretType, ObjectMeta: meta, Type: out.Type, Immutable: out.Immutable})
	if err != nil {
		return nil, err
	}
	var body map[string]any
	if err := json.Unmarshal(raw, &body); err != nil {
		return nil, err
	}
	secret, err := manifest.New(body, origin)
	if err != nil {
		return nil, err
	}
	return secret.WithData(maps.Clone(data))
}

// Annotations of an existing Secret that say what may be done with it, for the
// controller and for us.
const (
	// AnnotationManaged "true" lets it be replaced and taken over.
	AnnotationManaged = ssv1alpha1.SealedSecretManagedAnnotation
	// AnnotationPatch "true" lets data, labels and annotations be added to it; it
	// stays its owner's, unless it has AnnotationManaged as well.
	AnnotationPatch = ssv1alpha1.SealedSecretPatchAnnotation
)
