package openapi

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Served is what a cluster serves, to be made a [Version].
type Served struct {
	// Kubernetes is the minor version of the cluster: "1.37".
	Kubernetes string
	// Kinds are those that the cluster has. Their Definition is not read.
	Kinds map[schema.GroupVersionKind]Kind
	// Documents are in the order in which their names count: where two documents
	// have different definitions of one name, that of the later one gets another.
	Documents []*Document
	// Silent are groups of which it is not known which kinds they have.
	Silent []string
}

// Version makes one of what is served. The documents are the Version's from now on.
func (s Served) Version() *Version {
	v := &Version{Name: s.Kubernetes, kinds: map[schema.GroupVersionKind]Kind{}, decoded: map[string]*Schema{}, served: true, silent: s.Silent}
	for gvk, kind := range s.Kinds {
		v.kinds[gvk] = Kind{Namespaced: kind.Namespaced}
	}
	for _, doc := range s.Documents {
		names := v.take(doc)
		for gvk, made := range doc.Made {
			if kind, ok := v.kinds[gvk]; ok {
				kind.Definition = names[made.Definition]
				v.kinds[gvk] = kind
			}
		}
	}
	if builtin, err := Of(s.Kubernetes); err == nil {
		v.complete(builtin)
	}
	return v
}

// take adds the definitions of a document. It returns what they are called now: those of
// another server may have the names of others.
func (v *Version) take(doc *Document) map[string]string {
	same := func(name string) bool {
		known := v.decoded[name]
		return known == nil || reflect.DeepEqual(known, doc.Schemas[name])
	}
	names, differs := map[string]string{}, false
	for name := range doc.Schemas {
		names[name], differs = name, differs || !same(name)
	}
	if differs {
		v.others++
		for name, s := range doc.Schemas {
			if !same(name) || s.refers() {
				names[name] = fmt.Sprintf("%s#%d", name, v.others)
			}
		}
	}
	for name, s := range doc.Schemas {
		if differs {
			s.rename(names)
		}
		v.decoded[names[name]] = s
	}
	return names
}

// refers says whether a schema refers to others.
func (s *Schema) refers() bool {
	if s == nil {
		return false
	}
	for _, property := range s.Properties {
		if property.refers() {
			return true
		}
	}
	return s.Ref != "" || s.Items.refers() || s.Values.refers()
}

// rename points what refers to a definition at its other name.
func (s *Schema) rename(names map[string]string) {
	if s == nil {
		return
	}
	if name, ok := names[s.Ref]; ok {
		s.Ref = name
	}
	for _, property := range s.Properties {
		property.rename(names)
	}
	s.Items.rename(names)
	s.Values.rename(names)
}

// complete adds what the types of Kubernetes say of the values of properties and API
// servers do not publish.
func (v *Version) complete(builtin *Version) {
	for name, s := range v.decoded {
		known, err := builtin.Named(name)
		if err != nil {
			continue
		}
		for field, property := range s.Properties {
			of := known.Properties[field]
			if of == nil || property.Type != of.Type {
				continue
			}
			if property.Type == "array" && property.Items != nil && of.Items != nil {
				property, of = property.Items, of.Items
			}
			if len(property.Enum) == 0 {
				property.Enum = of.Enum
			}
			property.Pointer = of.Pointer
		}
	}
}

// Describe says whose version it is, for people.
func (v *Version) Describe() string {
	if v.served {
		return "the cluster (Kubernetes " + v.Name + ")"
	}
	return "Kubernetes " + v.Name
}

// Served says whether it is that of a cluster.
func (v *Version) Served() bool { return v.served }

// Complete says whether all kinds of a group are known.
func (v *Version) Complete(group string) bool {
	if v.served {
		return !slices.Contains(v.silent, group)
	}
	return group == "" || v.HasGroup(group) || !strings.Contains(group, ".") || retiredGroups[group]
}

// retiredGroups are those of Kubernetes that it has no kinds in any more.
var retiredGroups = map[string]bool{"flowcontrol.apiserver.k8s.io": true}
