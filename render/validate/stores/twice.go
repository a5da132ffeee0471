package stores

import (
	"encoding/json"
	"fmt"

	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/validate"
	"github.com/tidelock-io/tidelock/secrets/external"
)

// twice finds Secrets that are made by several objects. One object that is stated
// twice is told of elsewhere.
func twice(set manifest.Set) []validate.Problem {
	made := map[manifest.Key]*manifest.Object{}
	var all []validate.Problem
	for _, o := range set {
		name, path, ok := makes(o)
		if !ok || o.Key.Namespace == "" {
			continue
		}
		secret := manifest.Key{Kind: "Secret", Namespace: o.Key.Namespace, Name: name}
		first := made[secret]
		if first == nil {
			made[secret] = o
			continue
		}
		if first.Key != o.Key {
			all = append(all, validate.Problem{
				Rule: validate.RuleSecretTwice, Object: o, Path: path,
				Message: fmt.Sprintf("it makes Secret %s, which %s at %s makes, too", secret.Name, first.Key, first.Origin),
				Hint:    "give one of them another name",
			})
		}
	}
	return all
}

// managed are annotations that let the controller of sealed-secrets take over a
// Secret, or add to it.
var managed = []string{"sealedsecrets.bitnami.com/managed", "sealedsecrets.bitnami.com/patch"}

// makes says which Secret an object makes, if it makes one for itself.
func makes(o *manifest.Object) (name, path string, ok bool) {
	switch {
	case o.Key.Group == "" && o.Key.Kind == "Secret":
		for _, key := range managed {
			if o.Annotations[key] == "true" {
				return "", "", false
			}
		}
		return o.Key.Name, "", true
	case o.Key.Group == "bitnami.com" && o.Key.Kind == "SealedSecret":
		return o.Key.Name, "", true
	case !external.IsKind(o):
		return "", "", false
	}
	var body struct {
		Spec struct {
			Target struct {
				Name           string          `json:"name"`
				CreationPolicy string          `json:"creationPolicy"`
				Manifest       json.RawMessage `json:"manifest"`
			} `json:"target"`
		} `json:"spec"`
	}
	if json.Unmarshal(o.JSON(), &body) != nil || body.Spec.Target.Manifest != nil {
		return "", "", false
	}
	switch body.Spec.Target.CreationPolicy {
	case "", "Owner", "Orphan":
	default: // it adds to what is there, or makes none
		return "", "", false
	}
	if body.Spec.Target.Name != "" {
		return body.Spec.Target.Name, "spec.target.name", true
	}
	return o.Key.Name, "", true
}
