package external

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

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
		list := make([]any, len(finalizers))
		for i, finalizer := range finalizers {
			list[i] = finalizer
		}
		meta["finalizers"] = list
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

func anyMap(m map[string]string) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

// inputHash covers what a result depends on and can be seen without asking
// anybody: the ExternalSecret, and the stores of the same render.
func inputHash(s *spec, req Request) string {
	sum := sha256.New()
	fmt.Fprint(sum, req.Object.Hash())
	refs, _ := s.stores() // an error shows when it is fetched
	for _, store := range refs {
		for _, o := range req.Render {
			if IsStore(o) && o.Key.Kind == store.Kind && o.Key.Name == store.Name {
				fmt.Fprint(sum, "\x00", o.Hash())
			}
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}
