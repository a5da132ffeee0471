package openapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A Document is the OpenAPI v3 of a group in one version, as an API server publishes
// it.
type Document struct {
	// Schemas are its definitions by their names, reduced.
	Schemas map[string]*Schema
	// Made are the kinds that objects can be made of.
	Made map[schema.GroupVersionKind]Kind
}

// published is a document as far as it is read.
type published struct {
	Components struct {
		Schemas map[string]full `json:"schemas"`
	} `json:"components"`
	Paths map[string]pathItem `json:"paths"`
}

type pathItem struct {
	Get  json.RawMessage `json:"get"`
	Post struct {
		Kind struct{ Group, Version, Kind string } `json:"x-kubernetes-group-version-kind"`
		Body struct {
			Content map[string]struct {
				Schema full `json:"schema"`
			} `json:"content"`
		} `json:"requestBody"`
	} `json:"post"`
}

// full is a schema as it is published.
type full struct {
	Type       string          `json:"type"`
	Format     string          `json:"format"`
	Ref        string          `json:"$ref"`
	AllOf      []full          `json:"allOf"`
	OneOf      []full          `json:"oneOf"`
	Properties map[string]full `json:"properties"`
	Required   []string        `json:"required"`
	Items      *full           `json:"items"`
	Values     *values         `json:"additionalProperties"`
	Enum       []any           `json:"enum"`
	Default    json.RawMessage `json:"default"`
	List       string          `json:"x-kubernetes-list-type"`
	Keys       []string        `json:"x-kubernetes-list-map-keys"`
	Any        bool            `json:"x-kubernetes-preserve-unknown-fields"`
	IntOrText  bool            `json:"x-kubernetes-int-or-string"`
}

// values are additionalProperties: a schema, or whether there may be any.
type values struct{ *full }

func (v *values) UnmarshalJSON(text []byte) error {
	var allowed bool
	if json.Unmarshal(text, &allowed) == nil {
		if allowed {
			v.full = &full{}
		}
		return nil
	}
	v.full = &full{}
	return json.Unmarshal(text, v.full)
}

// apart are different in each group, and never part of an object.
var apart = []string{
	"io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions",
	"io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent",
}

// Parse reads a document.
func Parse(text []byte) (*Document, error) {
	var from published
	if err := json.Unmarshal(text, &from); err != nil {
		return nil, fmt.Errorf("it is no OpenAPI document: %w", err)
	}
	doc := &Document{map[string]*Schema{}, map[schema.GroupVersionKind]Kind{}}
	for name, s := range from.Components.Schemas {
		switch {
		case slices.Contains(apart, name):
		case strings.HasSuffix(name, ".JSONSchemaPropsOrBool"), strings.HasSuffix(name, ".JSONSchemaPropsOrArray"), strings.HasSuffix(name, ".JSONSchemaPropsOrStringArray"):
			doc.Schemas[name] = &Schema{}
		default:
			doc.Schemas[name] = reduce(s)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(from.Paths)) {
		methods := from.Paths[path]
		if gvk, kind, ok := methods.made(path); ok {
			doc.Made[gvk] = kind
		}
	}
	return doc, nil
}

// made is the kind of objects that are made at a path.
func (p pathItem) made(path string) (schema.GroupVersionKind, Kind, bool) {
	gvk := schema.GroupVersionKind(p.Post.Kind)
	ref := p.Post.Body.Content["application/json"].Schema.Ref
	if ref == "" {
		for _, content := range p.Post.Body.Content {
			ref = content.Schema.Ref
		}
	}
	kind := Kind{Namespaced: slices.Contains(strings.Split(path, "/"), "{namespace}"), Definition: nameOf(ref)}
	return gvk, kind, gvk.Kind != "" && ref != "" && p.Get != nil
}

func nameOf(ref string) string { return ref[strings.LastIndex(ref, "/")+1:] }

// reduce keeps what says whether a value is valid.
func reduce(s full) *Schema {
	out := &Schema{Type: s.Type, Format: s.Format, Required: slices.Sorted(slices.Values(s.Required)), Open: s.Any}
	if s.Ref != "" {
		out.Ref = nameOf(s.Ref)
	}
	if len(s.AllOf) == 1 {
		out.Ref = nameOf(s.AllOf[0].Ref)
	}
	for _, one := range s.OneOf {
		out.Either = append(out.Either, one.Type)
	}
	if s.IntOrText {
		out.Type, out.Either = "", []string{"integer", "string"}
	}
	if s.List == "map" || s.List == "set" {
		out.List, out.Keys = s.List, s.Keys
	}
	if len(s.Default) > 0 && s.Default[0] != '{' {
		out.Default = s.Default
	}
	for _, v := range s.Enum {
		if text, ok := v.(string); ok {
			out.Enum = append(out.Enum, text)
		}
	}
	if s.Items != nil {
		out.Items = reduce(*s.Items)
	}
	if s.Values != nil && s.Values.full != nil {
		out.Values = reduce(*s.Values.full)
	}
	for name, property := range s.Properties {
		if out.Properties == nil {
			out.Properties = map[string]*Schema{}
		}
		out.Properties[name] = reduce(property)
	}
	return out
}
