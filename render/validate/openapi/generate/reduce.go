package main

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/render/validate/openapi"
)

// A document is a file that Kubernetes publishes, as far as it is read.
type document struct {
	Components struct {
		Schemas map[string]schema `json:"schemas"`
	} `json:"components"`
	Paths map[string]pathItem `json:"paths"`
}

type pathItem struct {
	Get  json.RawMessage `json:"get"`
	Post struct {
		Kind struct{ Group, Version, Kind string } `json:"x-kubernetes-group-version-kind"`
		Body struct {
			Content map[string]struct {
				Schema schema `json:"schema"`
			} `json:"content"`
		} `json:"requestBody"`
	} `json:"post"`
}

type schema struct {
	Type       string            `json:"type"`
	Format     string            `json:"format"`
	Ref        string            `json:"$ref"`
	AllOf      []schema          `json:"allOf"`
	OneOf      []schema          `json:"oneOf"`
	Properties map[string]schema `json:"properties"`
	Required   []string          `json:"required"`
	Items      *schema           `json:"items"`
	Values     *schema           `json:"additionalProperties"`
	Default    json.RawMessage   `json:"default"`
	List       string            `json:"x-kubernetes-list-type"`
	Keys       []string          `json:"x-kubernetes-list-map-keys"`
}

func nameOf(ref string) string { return ref[strings.LastIndex(ref, "/")+1:] }

// reduced keeps what says whether a value is valid.
func (t *tables) reduced(name string, s schema) *openapi.Schema {
	out := reduce(s)
	if strings.HasSuffix(name, ".JSONSchemaPropsOrBool") || strings.HasSuffix(name, ".JSONSchemaPropsOrArray") || strings.HasSuffix(name, ".JSONSchemaPropsOrStringArray") {
		return &openapi.Schema{}
	}
	for field, property := range out.Properties {
		values := t.values[name+" "+field]
		if values == nil {
			continue
		}
		if property.Type == "array" {
			property = property.Items
		}
		property.Pointer = slices.Contains(values, pointed)
		property.Enum = slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == pointed })
	}
	return out
}

func reduce(s schema) *openapi.Schema {
	out := &openapi.Schema{Type: s.Type, Format: s.Format, Required: slices.Sorted(slices.Values(s.Required))}
	if s.Ref != "" {
		out.Ref = nameOf(s.Ref)
	}
	if len(s.AllOf) == 1 {
		out.Ref = nameOf(s.AllOf[0].Ref)
	}
	for _, one := range s.OneOf {
		out.Either = append(out.Either, one.Type)
	}
	if s.List == "map" || s.List == "set" {
		out.List, out.Keys = s.List, s.Keys
	}
	if len(s.Default) > 0 && s.Default[0] != '{' {
		out.Default = s.Default
	}
	if s.Items != nil {
		out.Items = reduce(*s.Items)
	}
	if s.Values != nil {
		out.Values = reduce(*s.Values)
	}
	for name, property := range s.Properties {
		if out.Properties == nil {
			out.Properties = map[string]*openapi.Schema{}
		}
		out.Properties[name] = reduce(property)
	}
	return out
}
