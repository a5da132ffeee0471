package main

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/validate"
	"github.com/tidelock-io/tidelock/render/validate/stores"
	"github.com/tidelock-io/tidelock/secrets/scan"
)

// ofSecrets are groups whose objects are looked at whether their definitions are here
// or not.
var ofSecrets = map[string]bool{"bitnami.com": true, "external-secrets.io": true}

// madeSecrets looks at what each cluster makes Secrets of, and at ConfigMaps that
// hold what should be in one.
func (v *validation) madeSecrets(ctx context.Context, loose manifest.Set, locators map[string]*validate.Locator) error {
	external, err := v.externals()
	if err != nil {
		return err
	}
	var has func(kind schema.GroupKind, namespace, name string) bool
	if external != nil {
		has = external.Has
	}
	own := &rendering{prefix: "."}
	groups, of := v.byCluster(), map[*manifest.Object]*rendering{}
	for _, group := range append(groups, []*rendering{own}) {
		var set manifest.Set
		for _, r := range group {
			objects := loose
			if r != own {
				objects = r.result.Set
			}
			for _, o := range objects {
				of[o] = r
			}
			set = append(set, objects...)
		}
		for _, p := range append(stores.Check(ctx, set, has), heldInConfig(set)...) {
			r := of[p.Object]
			var others []string
			if r.result != nil {
				others = yamlRead(r.result)
			}
			v.add(r.name, r.prefix, []validate.Finding{v.locator(locators, r.prefix).Finding(p, others)})
		}
	}
	return nil
}

// heldInConfig are entries of ConfigMaps that should be in a Secret. Nothing is said
// of what they are.
func heldInConfig(set manifest.Set) []validate.Problem {
	var all []validate.Problem
	for _, o := range set {
		var config struct{ Data map[string]string }
		if o.Key.Group != "" || o.Key.Kind != "ConfigMap" || json.Unmarshal(o.JSON(), &config) != nil {
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(config.Data)) {
			if scan.Credential(key, config.Data[key]) {
				all = append(all, validate.Problem{Rule: validate.RuleSecretConfig, Object: o, Path: "data[" + key + "]", Message: "a ConfigMap holds what seems to be a credential", Hint: "keep it in a Secret, encrypted, and change it if it was ever pushed"})
			}
		}
	}
	return all
}
