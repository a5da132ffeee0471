package validate

import (
	"slices"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/model"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiservercel "k8s.io/apiserver/pkg/cel"

	"github.com/tidelock-io/tidelock/render/manifest"
)

// Kinds returns the custom kinds in the versions that are served.
func (d *Definitions) Kinds() []schema.GroupVersionKind {
	var all []schema.GroupVersionKind
	for kind, def := range d.kinds {
		for _, name := range def.served() {
			all = append(all, kind.WithVersion(name))
		}
	}
	slices.SortFunc(all, func(a, b schema.GroupVersionKind) int { return strings.Compare(a.String(), b.String()) })
	return all
}

// Plural is what a kind is called in URLs and rules, "" if it is not known.
func (d *Definitions) Plural(kind schema.GroupKind) string {
	if def := d.kinds[kind]; def != nil {
		return def.plural
	}
	return ""
}

// Namespaced says whether objects of a kind lie in namespaces, if it is known.
func (d *Definitions) Namespaced(kind schema.GroupKind) (yes, known bool) {
	def := d.kinds[kind]
	return def != nil && def.namespaced, def != nil
}

func (d *Definitions) compiledFor(gvk schema.GroupVersionKind) *compiled {
	def := d.kinds[gvk.GroupKind()]
	if def == nil || def.versions[gvk.Version] == nil || def.versions[gvk.Version].compiled == nil {
		return nil
	}
	c, err := def.versions[gvk.Version].compiled()
	if err != nil {
		return nil // told where the definition is looked at
	}
	return c
}

// Type is the type that CEL takes objects of a kind for, nil if it is not known.
func (d *Definitions) Type(gvk schema.GroupVersionKind) *apiservercel.DeclType {
	c := d.compiledFor(gvk)
	if c == nil || c.schema.XPreserveUnknownFields {
		return nil
	}
	return model.SchemaDeclType(c.schema, true)
}

// Completed is an object as an API server would keep it: without what its kind does
// not have, and with defaults.
func (d *Definitions) Completed(o *manifest.Object) map[string]any {
	body := o.Body()
	if c := d.compiledFor(o.GVK()); c != nil {
		pruning.Prune(body, c.schema, true)
		withoutNulls(body)
		defaulting.Default(body, c.schema)
	}
	return body
}
