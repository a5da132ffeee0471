package policy

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tidelock-io/tidelock/render/validate"
	"github.com/tidelock-io/tidelock/render/validate/openapi"
)

// kinds are those of Kubernetes and the custom ones.
type kinds struct {
	version *openapi.Version
	custom  *validate.Definitions
	all     []schema.GroupVersionKind
}

func newKinds(v *openapi.Version, custom *validate.Definitions) *kinds {
	if custom == nil {
		custom = &validate.Definitions{}
	}
	return &kinds{v, custom, slices.Concat(v.Kinds(), custom.Kinds())}
}

// resource is what a kind is called in rules; false if it is not known.
func (k *kinds) resource(gvk schema.GroupVersionKind) (schema.GroupVersionResource, bool) {
	if plural := k.custom.Plural(gvk.GroupKind()); plural != "" {
		return gvk.GroupVersion().WithResource(plural), true
	}
	if _, ok := k.version.Kind(gvk); !ok {
		return schema.GroupVersionResource{}, false
	}
	plural, _ := meta.UnsafeGuessKindToResource(gvk)
	return plural, true
}

// namespaced says whether objects of a kind lie in namespaces.
func (k *kinds) namespaced(gvk schema.GroupVersionKind) (yes, known bool) {
	if kind, ok := k.version.Kind(gvk); ok {
		return kind.Namespaced, true
	}
	return k.custom.Namespaced(gvk.GroupKind())
}

// named are the kinds that a resource of rules means.
func (k *kinds) named(group, version, resource string) []schema.GroupVersionKind {
	var found []schema.GroupVersionKind
	for _, gvk := range k.all {
		if gvk.Group != group || gvk.Version != version {
			continue
		}
		if gvr, ok := k.resource(gvk); ok && gvr.Resource == resource {
			found = append(found, gvk)
		}
	}
	return found
}

// others are the other versions of a kind.
func (k *kinds) others(gvk schema.GroupVersionKind) []schema.GroupVersionKind {
	var found []schema.GroupVersionKind
	for _, other := range k.all {
		if other.GroupKind() == gvk.GroupKind() && other.Version != gvk.Version {
			found = append(found, other)
		}
	}
	slices.SortFunc(found, func(a, b schema.GroupVersionKind) int { return strings.Compare(a.Version, b.Version) })
	return found
}
