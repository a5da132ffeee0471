package inventory

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	ssv1alpha1 "github.com/bitnami/sealed-secrets/pkg/apis/sealedsecrets/v1alpha1"

	"github.com/tidelock-io/tidelock/render/manifest"
)

// kinds are the objects that are found, and how to describe each.
var kinds = map[string]func(*Item, *manifest.Object){
	"SealedSecret.bitnami.com":                  describeSealed,
	"ExternalSecret.external-secrets.io":        describeExternal,
	"ClusterExternalSecret.external-secrets.io": describeCluster,
	"PushSecret.external-secrets.io":            describePush,
}

func describeSealed(item *Item, o *manifest.Object) {
	var body struct {
		Spec struct {
			EncryptedData map[string]any `json:"encryptedData"`
		} `json:"spec"`
	}
	if !decode(item, o, &body) {
		return
	}
	item.Items = slices.Sorted(maps.Keys(body.Spec.EncryptedData))
	item.Scope = Scope(o.Annotations)
}

// Scope is that of a SealedSecret with these annotations.
func Scope(annotations map[string]string) string {
	switch {
	case annotations[ssv1alpha1.SealedSecretClusterWideAnnotation] == "true":
		return "cluster-wide"
	case annotations[ssv1alpha1.SealedSecretNamespaceWideAnnotation] == "true":
		return "namespace-wide"
	}
	return "strict"
}

// An externalSpec is as much of an ExternalSecret as tells where it reads.
type externalSpec struct {
	StoreRef storeRef         `json:"secretStoreRef"`
	Data     []externalSource `json:"data"`
	DataFrom []externalSource `json:"dataFrom"`
}

type storeRef struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
}

type externalSource struct {
	SecretKey string `json:"secretKey"`
	SourceRef struct {
		StoreRef     *storeRef `json:"storeRef"`
		GeneratorRef *storeRef `json:"generatorRef"`
	} `json:"sourceRef"`
}

func describeExternal(item *Item, o *manifest.Object) {
	var body struct {
		Spec externalSpec `json:"spec"`
	}
	if decode(item, o, &body) {
		body.Spec.describe(item)
	}
}

func describeCluster(item *Item, o *manifest.Object) {
	var body struct {
		Spec struct {
			External externalSpec `json:"externalSecretSpec"`
		} `json:"spec"`
	}
	if decode(item, o, &body) {
		body.Spec.External.describe(item)
	}
}

func (s externalSpec) describe(item *Item) {
	for _, source := range slices.Concat(s.Data, s.DataFrom) {
		ref := s.StoreRef
		switch {
		case source.SourceRef.GeneratorRef != nil:
			ref = *source.SourceRef.GeneratorRef
		case source.SourceRef.StoreRef != nil:
			ref = *source.SourceRef.StoreRef
		}
		item.addStore(ref)
		if source.SecretKey != "" {
			item.Items = append(item.Items, source.SecretKey)
		}
	}
}

func describePush(item *Item, o *manifest.Object) {
	var body struct {
		Spec struct {
			StoreRefs []storeRef `json:"secretStoreRefs"`
		} `json:"spec"`
	}
	if !decode(item, o, &body) {
		return
	}
	for _, ref := range body.Spec.StoreRefs {
		item.addStore(ref)
	}
	item.Note = "PushSecrets are not acted on: only external-secrets' own controller does"
}

func (item *Item) addStore(ref storeRef) {
	if ref.Kind == "" {
		ref.Kind = "SecretStore"
	}
	if store := ref.Kind + "/" + strings.TrimSpace(ref.Name); !slices.Contains(item.Stores, store) {
		item.Stores = append(item.Stores, store)
	}
}

func decode(item *Item, o *manifest.Object, into any) bool {
	if err := json.Unmarshal(o.JSON(), into); err != nil {
		item.Problem = "its spec cannot be read: a field is of another type than its kind has"
		return false
	}
	return true
}
