package policy

import (
	"fmt"
	"strings"

	celgo "github.com/google/cel-go/cel"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apiserver/pkg/admission/plugin/cel"
	apiservercel "k8s.io/apiserver/pkg/cel"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/apiserver/pkg/cel/library"

	"github.com/tidelock-io/tidelock/render/validate"
	"github.com/tidelock-io/tidelock/render/validate/openapi"
)

// maxTypes is for how many kinds an expression is looked at, as by the API server.
const maxTypes = 10

// checkTypes finds expressions that cannot be right for any of the kinds that a
// policy is for: a field that none of them has. An API server only warns of that,
// in the policy's status.
func (c *Compiler) checkTypes(p *policy) {
	var types []*celgo.Env
	var names []string
	for _, gvk := range c.constrained(p.spec.MatchConstraints) {
		object := c.declared(gvk)
		if object == nil {
			return // nothing is known of one of them
		}
		env, err := c.typedEnv(p, object)
		if err != nil {
			return
		}
		types, names = append(types, env), append(names, gvk.Kind)
	}
	if len(types) == 0 {
		return
	}
	look := func(path, text string) {
		first := ""
		for _, env := range types {
			_, issues := env.Compile(text)
			if issues.Err() == nil {
				return
			}
			if first == "" {
				first = firstIssue(issues.String())
			}
		}
		p.add(validate.RulePolicyType, path, fmt.Sprintf("it cannot be right for %s: %s", strings.Join(names, ", "), first))
	}
	for i, m := range p.spec.MatchConditions {
		look(fmt.Sprintf("spec.matchConditions[%d].expression", i), m.Expression)
	}
	for i, v := range p.spec.Variables {
		look(fmt.Sprintf("spec.variables[%d].expression", i), v.Expression)
	}
	for i, v := range p.spec.Validations {
		look(fmt.Sprintf("spec.validations[%d].expression", i), v.Expression)
		if v.MessageExpression != "" {
			look(fmt.Sprintf("spec.validations[%d].messageExpression", i), v.MessageExpression)
		}
	}
}

// constrained are the kinds that a policy names; none if it names one by a pattern.
func (c *Compiler) constrained(m *admissionv1.MatchResources) []schema.GroupVersionKind {
	var all []schema.GroupVersionKind
	for _, rule := range m.ResourceRules {
		for _, group := range rule.APIGroups {
			for _, v := range rule.APIVersions {
				for _, resource := range rule.Resources {
					if strings.ContainsAny(group+v+resource, "*") {
						return nil
					}
					all = append(all, c.kinds.named(group, v, resource)...)
				}
			}
		}
	}
	if len(all) > maxTypes {
		return nil
	}
	return all
}

// typedEnv knows the types of a policy's variables for objects of one type.
func (c *Compiler) typedEnv(p *policy, object *apiservercel.DeclType) (*celgo.Env, error) {
	namespace, request := cel.BuildNamespaceType(), cel.BuildRequestType()
	declared := []*apiservercel.DeclType{namespace, request, object}
	options := []celgo.EnvOption{
		celgo.Variable(cel.NamespaceVarName, namespace.CelType()), celgo.Variable(cel.RequestVarName, request.CelType()),
		celgo.Variable(cel.ObjectVarName, object.CelType()), celgo.Variable(cel.OldObjectVarName, object.CelType()),
		celgo.Variable(cel.AuthorizerVarName, library.AuthorizerType),
	}
	if p.spec.ParamKind != nil {
		params := celgo.DynType
		if gv, err := schema.ParseGroupVersion(p.spec.ParamKind.APIVersion); err == nil {
			if t := c.declared(gv.WithKind(p.spec.ParamKind.Kind)); t != nil {
				t = t.MaybeAssignTypeName("params")
				declared, params = append(declared, t), t.CelType()
			}
		}
		options = append(options, celgo.Variable(cel.ParamsVarName, params))
	}
	set, err := c.env.Extend(environment.VersionedOptions{IntroducedVersion: version.MajorMinor(1, 0), EnvOptions: options, DeclTypes: declared})
	if err != nil {
		return nil, err
	}
	compiler, err := cel.NewCompositedCompilerForTypeChecking(set)
	if err != nil {
		return nil, err
	}
	compiler.Compiler = &typeCompiler{compiler}
	for _, v := range p.spec.Variables {
		e := &expression{name: v.Name, text: v.Expression}
		compiler.CompileAndStoreVariable(e, cel.OptionalVariableDeclarations{}, environment.StoredExpressions)
	}
	return compiler.Env(environment.StoredExpressions)
}

// A typeCompiler finds the type of an expression, and makes no program.
type typeCompiler struct{ of *cel.CompositedCompiler }

func (t *typeCompiler) CompileCELExpression(e cel.ExpressionAccessor, _ cel.OptionalVariableDeclarations, mode environment.Type) cel.CompilationResult {
	env, err := t.of.Env(mode)
	if err != nil {
		return cel.CompilationResult{}
	}
	checked, issues := env.Compile(e.GetExpression())
	if issues.Err() != nil {
		return cel.CompilationResult{}
	}
	return cel.CompilationResult{OutputType: checked.OutputType()}
}

// declared is the type of a kind, nil if it is not known.
func (c *Compiler) declared(gvk schema.GroupVersionKind) *apiservercel.DeclType {
	if kind, ok := c.kinds.version.Kind(gvk); ok {
		s, err := c.kinds.version.Schema(kind)
		if err != nil {
			return nil
		}
		d := declarer{c.kinds.version, map[string]bool{}}
		return d.of(s).MaybeAssignTypeName("object." + gvk.Kind)
	}
	t := c.kinds.custom.Type(gvk)
	if t == nil {
		return nil
	}
	if meta, err := c.kinds.version.Named("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"); err == nil {
		d := declarer{c.kinds.version, map[string]bool{}}
		t.Fields["metadata"] = apiservercel.NewDeclField("metadata", d.of(meta), false, nil, nil)
	}
	return t.MaybeAssignTypeName("object." + gvk.Kind)
}

// A declarer makes types of schemas. What refers to itself is of any type there.
type declarer struct {
	version *openapi.Version
	within  map[string]bool
}

func (d declarer) of(s *openapi.Schema) *apiservercel.DeclType {
	switch {
	case s == nil || len(s.Either) > 0:
		return apiservercel.DynType
	case s.Ref != "":
		if d.within[s.Ref] {
			return apiservercel.DynType
		}
		d.within[s.Ref] = true
		defer delete(d.within, s.Ref)
		named, err := d.version.Named(s.Ref)
		if err != nil {
			return apiservercel.DynType
		}
		return d.of(named).MaybeAssignTypeName(s.Ref) // one type wherever it is: containers may be added to initContainers
	case s.Items != nil:
		return apiservercel.NewListType(d.of(s.Items), -1)
	case s.Values != nil:
		return apiservercel.NewMapType(apiservercel.StringType, d.of(s.Values), -1)
	case len(s.Properties) > 0:
		fields := map[string]*apiservercel.DeclField{}
		for name, property := range s.Properties {
			if escaped, ok := apiservercel.Escape(name); ok {
				fields[escaped] = apiservercel.NewDeclField(escaped, d.of(property), false, nil, nil)
			}
		}
		return apiservercel.NewObjectType("object", fields)
	}
	return scalar(s)
}

func scalar(s *openapi.Schema) *apiservercel.DeclType {
	switch s.Type {
	case "string":
		switch s.Format {
		case "byte":
			return apiservercel.BytesType
		case "date-time":
			return apiservercel.TimestampType
		}
		return apiservercel.StringType
	case "boolean":
		return apiservercel.BoolType
	case "integer":
		return apiservercel.IntType
	case "number":
		return apiservercel.DoubleType
	}
	return apiservercel.DynType
}
