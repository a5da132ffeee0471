package external

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets"
)

// maxBytes bounds a fetched Secret. The API server allows 1 MiB.
const maxBytes = 1 << 20

// errKeep says that the provider holds nothing, and deletionPolicy Retain wants
// the Secret to stay.
var errKeep = errors.New("the provider holds nothing for it, and deletionPolicy Retain keeps the Secret as it is")

// managedLabel is on every Secret that external-secrets made. A result without
// it is how the plugin says that the provider holds nothing.
const managedLabel = "reconcile.external-secrets.io/managed"

// dataHash is an annotation of external-secrets' own that is not made: a plain
// hash of the data would let people who see it try guesses.
const dataHash = "reconcile.external-secrets.io/data-hash"

// secret makes the object of what the plugin answered; nil for none.
func secret(s *spec, from *manifest.Object, answer *sdk.SecretResult) (*manifest.Object, error) {
	if answer.Labels[managedLabel] == "" {
		if s.Target.DeletionPolicy == "Delete" {
			return nil, nil
		}
		return nil, errKeep
	}
	size := 0
	data := make(map[string]secrets.Value, len(answer.Data))
	for key, plain := range answer.Data {
		size += len(key) + len(plain)
		data[key] = secrets.New(plain)
	}
	if size > maxBytes {
		return nil, fmt.Errorf("%w: a Secret of %d bytes, %d are allowed", manifest.ErrLimit, size, maxBytes)
	}
	o, err := manifest.New(secretBody(s, from, answer), from.Origin)
	if err != nil {
		return nil, err
	}
	return o.WithData(data)
}

func secretBody(s *spec, from *manifest.Object, answer *sdk.SecretResult) map[string]any {
	meta := map[string]any{"name": s.Target.Name, "namespace": from.Key.Namespace, "labels": anyMap(answer.Labels)}
	if len(answer.Annotations) > 0 {
		meta["annotations"] = anyMap(answer.Annotations)
	}
	if finalizers := s.Target.Template.Metadata.Finalizers; len(finalizers) > 0 {
		meta["finalizers"] = anySlice(finalizers)
	}
	body := map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": meta}
	if answer.Type != "" {
		body["type"] = answer.Type
	}
	if answer.Immutable {
		body["immutable"] = true
	}
	return body
}

func withAnnotation(annotations map[string]string, key, value string) map[string]string {
	out := maps.Clone(annotations)
	if out == nil {
		out = map[string]string{}
	}
	out[key] = value
	return out
}

func anyMap(m map[string]string) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

func anySlice(list []string) []any {
	out := make([]any, len(list))
	for i, item := range list {
		out[i] = item
	}
	return out
}

// inputHash covers what a result depends on and can be seen without asking
// anybody: the ExternalSecret, and the stores and generators of the same render.
// It is written on Secrets, so it is of nothing secret.
func inputHash(s *spec, req Request) string {
	sum := sha256.New()
	sum.Write(req.Object.JSON())
	sum.Write([]byte(req.Server))
	refs, _ := s.stores() // an error shows when it is fetched
	for _, o := range req.Render {
		store := IsStore(o) && slices.Contains(refs, storeRef{Kind: o.Key.Kind, Name: o.Key.Name})
		generator := o.Key.Group == GeneratorGroup && slices.ContainsFunc(s.DataFrom, func(from source) bool {
			ref := from.generator()
			return ref != nil && ref.Kind == o.Key.Kind && ref.Name == o.Key.Name
		})
		if store || generator {
			sum.Write([]byte{0})
			sum.Write(o.JSON())
		}
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}
