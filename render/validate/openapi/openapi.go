// Package openapi has the schemas of Kubernetes' own kinds, for each of its minor
// versions that is supported, and reads those that a cluster serves.
//
// Start with [Of], or with [Served]. The schemas of the versions are those that
// Kubernetes publishes, reduced to what says whether a value is valid; those that
// several versions share are there once. Nothing of them is decoded before it is asked
// for.
package openapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A Schema says what a value must be. It may be shared: do not change it.
type Schema struct {
	Type   string `json:"type,omitempty"`
	Format string `json:"format,omitempty"`
	// Ref names another schema that stands here; see Version.Named.
	Ref        string             `json:"ref,omitempty"`
	Properties map[string]*Schema `json:"properties,omitempty"`
	Required   []string           `json:"required,omitempty"`
	Items      *Schema            `json:"items,omitempty"`
	// Values is what all the entries of a map are.
	Values *Schema `json:"values,omitempty"`
	// Either are types of which the value has one.
	Either []string `json:"either,omitempty"`
	// Enum are the strings that the value may be.
	Enum []string `json:"enum,omitempty"`
	// Open says that there may be other properties, too.
	Open bool `json:"open,omitempty"`
	// Pointer says that an empty string is not the same as none.
	Pointer bool `json:"pointer,omitempty"`
	// List is "map" or "set" for a list whose items differ: in Keys, or in all.
	List    string          `json:"list,omitempty"`
	Keys    []string        `json:"keys,omitempty"`
	Default json.RawMessage `json:"default,omitempty"`
}

// A Kind is one that objects can be made of.
type Kind struct {
	Namespaced bool
	// Definition names its schema; "" if that is not known.
	Definition string
}

// A Version is a minor version of Kubernetes, or what a cluster serves. It is safe for
// concurrent use.
type Version struct {
	// Name is "1.37".
	Name   string
	kinds  map[schema.GroupVersionKind]Kind
	at     int      // among the versions
	store  *store   // nil if it is a cluster's
	served bool     // by a cluster
	silent []string // groups that are not known
	others int      // documents whose definitions have names of their own

	mu      sync.Mutex
	decoded map[string]*Schema // by name
}

// Of returns a minor version by its name.
func Of(name string) (*Version, error) {
	s, err := open()
	if err != nil {
		return nil, err
	}
	for _, v := range s.versions {
		if v.Name == name {
			return v, nil
		}
	}
	return nil, fmt.Errorf("Kubernetes %.20q: its schemas are not built in, those of %s to %s are", name, s.versions[0].Name, s.versions[len(s.versions)-1].Name) //nolint:staticcheck // a name
}

// Names returns the versions that there are, the newest last.
func Names() []string {
	s, err := open()
	if err != nil {
		return nil // what is embedded is tested
	}
	var names []string
	for _, v := range s.versions {
		names = append(names, v.Name)
	}
	return names
}

// Kind returns what is known of a kind.
func (v *Version) Kind(gvk schema.GroupVersionKind) (Kind, bool) {
	k, ok := v.kinds[gvk]
	return k, ok
}

// Versions returns the API versions that a kind is served in.
func (v *Version) Versions(gk schema.GroupKind) []string {
	var all []string
	for gvk := range v.kinds {
		if gvk.GroupKind() == gk {
			all = append(all, gvk.Version)
		}
	}
	return all
}

// HasGroup says whether a group is one of Kubernetes' own.
func (v *Version) HasGroup(group string) bool {
	for gvk := range v.kinds {
		if gvk.Group == group {
			return true
		}
	}
	return false
}

// Schema returns that of a kind.
func (v *Version) Schema(k Kind) (*Schema, error) { return v.Named(k.Definition) }

// Named returns the schema that a Ref names.
func (v *Version) Named(name string) (*Schema, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if s := v.decoded[name]; s != nil {
		return s, nil
	}
	if v.store == nil {
		return nil, fmt.Errorf("there is no schema %q in %s", name, v.Describe())
	}
	text, ok := v.store.text(name, v.at)
	if !ok {
		return nil, fmt.Errorf("there is no schema %q in %s", name, v.Describe())
	}
	s := &Schema{}
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("schema %s: %w", name, err)
	}
	v.decoded[name] = s
	return s, nil
}

// Kinds returns all kinds, by group, version and kind.
func (v *Version) Kinds() []schema.GroupVersionKind {
	return slices.SortedFunc(maps.Keys(v.kinds), func(a, b schema.GroupVersionKind) int { return strings.Compare(a.String(), b.String()) })
}
