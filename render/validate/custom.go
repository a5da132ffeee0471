package validate

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// Definitions are the custom kinds that are known. Fill it before its first use;
// then it may be used by several goroutines.
type Definitions struct {
	kinds map[schema.GroupKind]*definition
}

// A definition is one CustomResourceDefinition. Its versions are compiled when
// an object needs them.
type definition struct {
	object     *manifest.Object
	plural     string
	namespaced bool
	versions   map[string]*customVersion
}

type customVersion struct {
	served     bool
	deprecated bool
	warning    string
	compiled   func() (*compiled, error)
}

// compiled is what objects of one version are checked by.
type compiled struct {
	schema *structural.Structural
	values validation.SchemaValidator
	rules  *cel.Validator
}

// Add takes over a CustomResourceDefinition; one of the same kind takes its place.
// What is wrong with it is told where it is looked at as an object.
func (d *Definitions) Add(o *manifest.Object) {
	var crd apiextensionsv1.CustomResourceDefinition
	if o.GVK() != apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition") || json.Unmarshal(o.JSON(), &crd) != nil {
		return
	}
	kind := schema.GroupKind{Group: crd.Spec.Group, Kind: crd.Spec.Names.Kind}
	def := &definition{o, crd.Spec.Names.Plural, crd.Spec.Scope == apiextensionsv1.NamespaceScoped, map[string]*customVersion{}}
	for i := range crd.Spec.Versions {
		v := &crd.Spec.Versions[i]
		entry := &customVersion{served: v.Served, deprecated: v.Deprecated}
		if v.DeprecationWarning != nil {
			entry.warning = *v.DeprecationWarning
		}
		if v.Schema != nil && v.Schema.OpenAPIV3Schema != nil {
			props := v.Schema.OpenAPIV3Schema
			entry.compiled = sync.OnceValues(func() (*compiled, error) { return compile(props) })
		}
		def.versions[v.Name] = entry
	}
	if d.kinds == nil {
		d.kinds = map[schema.GroupKind]*definition{}
	}
	d.kinds[kind] = def
}

// Has says whether a kind is known.
func (d *Definitions) Has(kind schema.GroupKind) bool { return d.has(kind) }

func (d *Definitions) has(kind schema.GroupKind) bool { return d.kinds[kind] != nil }

func (d *Definitions) hasGroup(group string) bool {
	for kind := range d.kinds {
		if kind.Group == group {
			return true
		}
	}
	return false
}

// compile reads a schema as the API server does, rules included.
func compile(props *apiextensionsv1.JSONSchemaProps) (*compiled, error) {
	internal := &apiextensions.JSONSchemaProps{}
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(props, internal, nil); err != nil {
		return nil, err
	}
	s, err := structural.NewStructural(internal)
	if err != nil {
		return nil, err
	}
	if errs := structural.ValidateStructural(field.NewPath("openAPIV3Schema"), s); len(errs) > 0 {
		return nil, errs.ToAggregate()
	}
	values, _, err := validation.NewSchemaValidator(internal)
	if err != nil {
		return nil, err
	}
	return &compiled{s, values, cel.NewValidator(s, true, celconfig.PerCallLimit)}, nil
}

// check compares an object with its definition.
func (d *Definitions) check(ctx context.Context, r *report) {
	def := d.kinds[r.object.Key.GroupKind()]
	v := def.versions[r.object.Version]
	if v == nil || !v.served {
		r.add(RuleUnknownKind, "apiVersion", fmt.Sprintf("the definition at %s serves %s in no version %s", def.object.Origin, r.object.Key.Kind, r.object.Version), "it serves "+strings.Join(def.served(), ", "))
		return
	}
	if v.deprecated {
		message := v.warning
		if message == "" {
			message = fmt.Sprintf("%s %s is deprecated", r.object.APIVersion(), r.object.Key.Kind)
		}
		r.add(RuleDeprecated, "apiVersion", message, "")
	}
	if v.compiled == nil {
		return
	}
	c, err := v.compiled()
	if err != nil {
		return // told where the definition is looked at
	}
	c.check(ctx, r)
}

func (d *definition) served() []string {
	var all []string
	for name, v := range d.versions {
		if v.served {
			all = append(all, name)
		}
	}
	return sorted(all)
}

// check goes the way that the API server goes: prune, default, validate.
func (c *compiled) check(ctx context.Context, r *report) {
	body := r.object.Body()
	unknown := pruning.PruneWithOptions(body, c.schema, true, structural.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	for _, path := range unknown {
		r.add(RuleUnknownField, path, "there is no such field", c.suggestion(path))
	}
	withoutNulls(body)
	defaulting.Default(body, c.schema)
	typed := true
	for _, e := range validation.ValidateCustomResource(nil, body, c.values) {
		rule := ruleOf(e)
		typed = typed && rule != RuleType
		r.add(rule, e.Field, customText(e), "")
	}
	if !typed {
		return
	}
	for _, e := range listtype.ValidateListSetsAndMaps(nil, c.schema, body) {
		r.add(RuleDuplicate, e.Field, customText(e), "keep one of them")
	}
	if c.rules != nil {
		errs, _ := c.rules.Validate(ctx, nil, c.schema, body, nil, celconfig.RuntimeCELCostBudget)
		for _, e := range errs {
			r.add(RuleCELRule, e.Field, customText(e), "")
		}
	}
}

func ruleOf(e *field.Error) string {
	switch e.Type {
	case field.ErrorTypeTypeInvalid:
		return RuleType
	case field.ErrorTypeRequired:
		return RuleRequired
	case field.ErrorTypeNotSupported:
		return RuleValue
	case field.ErrorTypeDuplicate:
		return RuleDuplicate
	}
	if strings.Contains(e.Detail, "must be of type") {
		return RuleType
	}
	return RuleCustomInvalid
}

// customText is an error without its field and its value, which may be long.
func customText(e *field.Error) string {
	switch e.Type {
	case field.ErrorTypeRequired:
		return "it must be there"
	case field.ErrorTypeDuplicate:
		return fmt.Sprintf("%.60v is there twice", e.BadValue)
	case field.ErrorTypeNotSupported:
		return fmt.Sprintf("%.60v is none of the %s", e.BadValue, e.Detail)
	}
	text := e.Detail
	if text == "" {
		text = strings.ToLower(e.Type.String())
	}
	if _, rest, ok := strings.Cut(text, " in body "); ok {
		return "it " + rest
	}
	return text
}

// suggestion is the field that was most likely meant.
func (c *compiled) suggestion(path string) string {
	s := c.schema
	steps := split(path)
	for _, step := range steps[:max(0, len(steps)-1)] {
		switch next, ok := s.Properties[step.name]; {
		case step.index >= 0 && s.Items != nil:
			s = s.Items
		case ok:
			s = &next
		case s.AdditionalProperties != nil && s.AdditionalProperties.Structural != nil:
			s = s.AdditionalProperties.Structural
		default:
			return ""
		}
	}
	var names []string
	for name := range s.Properties {
		names = append(names, name)
	}
	if len(steps) == 0 {
		return ""
	}
	if near := api.Nearest(steps[len(steps)-1].name, sorted(names)); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return ""
}

// withoutNulls drops what server-side apply takes as not stated.
func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, item := range v {
			if item == nil {
				delete(v, name)
				continue
			}
			v[name] = withoutNulls(item)
		}
	case []any:
		for i, item := range v {
			v[i] = withoutNulls(item)
		}
	}
	return v
}
