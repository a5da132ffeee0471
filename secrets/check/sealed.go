package check

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets/inventory"
	"github.com/tidelock-io/tidelock/secrets/sealed"
)

// sealed checks a SealedSecret as it is in Git.
func (c *checker) sealed(ctx context.Context, item *inventory.Item) {
	if wrong := misshapen(item.Manifest); wrong != "" {
		c.add(Malformed, item, wrong)
		return
	}
	// Without a namespace it is sealed for one that only its Application knows.
	if c.keys.OpenSealed == nil || item.Manifest.Key.Namespace == "" && item.Scope != "cluster-wide" {
		c.result.Unsure = append(c.result.Unsure, item.Path)
		return
	}
	if err := c.keys.OpenSealed(ctx, item.Manifest); err != nil {
		c.add(kindOfSealed(err), item, err.Error())
	}
}

func encrypted(o *manifest.Object) map[string]string {
	var body struct {
		Spec struct {
			EncryptedData map[string]string `json:"encryptedData"`
		} `json:"spec"`
	}
	if json.Unmarshal(o.JSON(), &body) != nil {
		return nil
	}
	return body.Spec.EncryptedData
}

// misshapen says what can be told without any key: whether each item has the
// shape that kubeseal gives it.
func misshapen(o *manifest.Object) string {
	items := encrypted(o)
	if len(items) == 0 {
		return "it has nothing in spec.encryptedData"
	}
	for _, name := range slices.Sorted(maps.Keys(items)) {
		data, err := base64.StdEncoding.DecodeString(strings.TrimSpace(items[name]))
		// The length of an RSA cipher text, the cipher text, and what AES-GCM adds.
		const head, tag = 2, 16
		if err != nil || len(data) < head || len(data) < head+int(binary.BigEndian.Uint16(data))+tag {
			return fmt.Sprintf("item %q is cut off, or is not what kubeseal makes", name)
		}
	}
	return ""
}

// Deployed checks a SealedSecret as an Application deploys it: under another name
// or in another namespace than the one in Git it opens only if its scope allows
// that.
func (r *Result) Deployed(ctx context.Context, application string, o *manifest.Object, keys Keys) {
	item := r.source(o)
	if item == nil {
		return
	}
	add := func(kind, message string) {
		r.add(Finding{Kind: kind, Path: item.Path, Line: item.Line, Object: item.Object, Message: message})
	}
	if keys.OpenSealed != nil {
		if err := keys.OpenSealed(ctx, o); err != nil {
			add(kindOfSealed(err), fmt.Sprintf("as %s deploys it, as %s/%s: %v", application, o.Key.Namespace, o.Key.Name, err))
		}
		return
	}
	from := item.Manifest.Key
	moved := from.Namespace != "" && from.Namespace != o.Key.Namespace
	renamed := from.Name != o.Key.Name
	switch scope := inventory.Scope(o.Annotations); {
	case scope == "strict" && (moved || renamed), scope == "namespace-wide" && moved:
		add(Scope, fmt.Sprintf("%s deploys it as %s/%s, and it is sealed (%s) for %s", application, o.Key.Namespace, o.Key.Name, scope, item.Object))
	case scope != item.Scope:
		add(Scope, fmt.Sprintf("%s deploys it with the scope %s, and it is sealed with the scope %s", application, scope, item.Scope))
	}
}

// source finds the SealedSecret in Git that a rendered one was made of: by what
// is sealed, which no renderer changes.
func (r *Result) source(o *manifest.Object) *inventory.Item {
	items := encrypted(o)
	if len(items) == 0 {
		return nil
	}
	for _, item := range r.Items {
		if item.Kind == "SealedSecret" && item.Manifest != nil && maps.Equal(items, encrypted(item.Manifest)) {
			return item
		}
	}
	return nil
}

// kindOfSealed tells the errors of package sealed apart.
func kindOfSealed(err error) string {
	switch {
	case errors.Is(err, sealed.ErrScope):
		return Scope
	case errors.Is(err, sealed.ErrBroken):
		return Damaged
	}
	return NoKey
}
