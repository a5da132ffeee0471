package validate

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/model"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/environment"
)

// crd looks at a definition: at its names, its versions, and whether its schemas
// are structural and their rules compile.
func crd(r *report) {
	var o apiextensionsv1.CustomResourceDefinition
	if json.Unmarshal(r.object.JSON(), &o) != nil {
		return
	}
	if want := o.Spec.Names.Plural + "." + o.Spec.Group; o.Name != want {
		r.add(RuleName, "metadata.name", fmt.Sprintf("%q is not the plural and the group", o.Name), "it must be "+want)
	}
	stored, served := 0, map[string]bool{}
	for i := range o.Spec.Versions {
		v := &o.Spec.Versions[i]
		at := spec.Child("versions").Index(i)
		if served[v.Name] {
			r.at(RuleDuplicate, at.Child("name"), "%q is that of another version, too", v.Name)
		}
		served[v.Name] = true
		if v.Storage {
			stored++
		}
		if errs := validation.IsDNS1035Label(v.Name); len(errs) > 0 && v.Name != "" {
			r.names(RuleName, at.Child("name"), v.Name, errs)
		}
		r.crdSchema(at.Child("schema"), v.Schema, o.Spec.PreserveUnknownFields)
	}
	if stored != 1 {
		r.add(RuleConflict, "spec.versions", fmt.Sprintf("%d versions are stored: it must be one", stored), "set storage: true for just one")
	}
}

func (r *report) crdSchema(at *field.Path, v *apiextensionsv1.CustomResourceValidation, preserve bool) {
	if v == nil || v.OpenAPIV3Schema == nil {
		if !preserve {
			r.at(RuleRequired, at.Child("openAPIV3Schema"), "it must be there")
		}
		return
	}
	r.props(at.Child("openAPIV3Schema"), v.OpenAPIV3Schema)
	c, err := compile(v.OpenAPIV3Schema)
	if err != nil {
		r.at(RuleDefinition, at.Child("openAPIV3Schema"), "%.400s", strings.ReplaceAll(err.Error(), "\n", " "))
		return
	}
	for _, text := range c.broken() {
		r.at(RuleDefinition, at.Child("openAPIV3Schema"), "%.400s", text)
	}
}

var schemaTypes = []string{"array", "boolean", "integer", "number", "object", "string"}

// props looks at what is no matter of structure: types that there are not, keys of lists
// that stand twice.
func (r *report) props(at *field.Path, s *apiextensionsv1.JSONSchemaProps) {
	if s == nil {
		return
	}
	if s.Type != "" && !slices.Contains(schemaTypes, s.Type) {
		r.add(RuleDefinition, at.Child("type").String(), fmt.Sprintf("%.60q is no type", s.Type), meant(s.Type, schemaTypes))
	}
	if keys := slices.Sorted(slices.Values(s.XListMapKeys)); len(slices.Compact(slices.Clone(keys))) < len(keys) {
		r.add(RuleDefinition, at.Child("x-kubernetes-list-map-keys").String(), "a key stands there twice", "")
	}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		property := s.Properties[name]
		r.props(at.Child("properties").Key(name), &property)
	}
	if s.Items != nil {
		r.props(at.Child("items"), s.Items.Schema)
	}
	if s.AdditionalProperties != nil {
		r.props(at.Child("additionalProperties"), s.AdditionalProperties.Schema)
	}
}

// broken tells of rules that do not compile, or cost too much to be allowed.
func (c *compiled) broken() []string {
	var all []string
	env := environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion())
	var visit func(path string, s *structural.Structural, root bool)
	visit = func(path string, s *structural.Structural, root bool) {
		if s == nil {
			return
		}
		if len(s.XValidations) > 0 {
			all = append(all, brokenRules(path, s, root, env)...)
		}
		visit(path+".items", s.Items, false)
		for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
			property := s.Properties[name]
			visit(path+"."+name, &property, property.XEmbeddedResource)
		}
		if s.AdditionalProperties != nil {
			visit(path+".additionalProperties", s.AdditionalProperties.Structural, false)
		}
	}
	visit("", c.schema, true)
	return all
}

func brokenRules(path string, s *structural.Structural, root bool, env *environment.EnvSet) []string {
	results, err := cel.Compile(s, model.SchemaDeclType(s, root), celconfig.PerCallLimit, env, cel.NewExpressionsEnvLoader())
	if err != nil {
		return []string{fmt.Sprintf("%s: its rules do not compile: %v", strings.TrimPrefix(path, "."), err)}
	}
	var all []string
	for i, result := range results {
		at := fmt.Sprintf("%s: rule %d", strings.TrimPrefix(path, "."), i)
		switch {
		case result.Error != nil:
			all = append(all, fmt.Sprintf("%s does not compile: %s", at, strings.ReplaceAll(result.Error.Detail, "\n", " ")))
		case result.MaxCost > staticCostLimit:
			all = append(all, at+" may cost more than an API server allows: bound the lengths of lists, maps and texts")
		}
	}
	return all
}

// staticCostLimit is what an API server allows a rule to cost by its estimate.
const staticCostLimit = 10_000_000
