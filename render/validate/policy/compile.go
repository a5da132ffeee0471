package policy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	celgo "github.com/google/cel-go/cel"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions"
	"k8s.io/apiserver/pkg/cel/environment"

	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/validate"
	"github.com/tidelock-io/tidelock/render/validate/openapi"
)

// A Compiler makes policies ready, each once however many clusters have it. It is
// safe for concurrent use.
type Compiler struct {
	kinds *kinds
	env   *environment.EnvSet

	mu       sync.Mutex
	compiled map[string]*policy // by the hash of the object; guarded by mu
}

// New returns a Compiler for a minor version of Kubernetes ("1.37") and the custom
// kinds that are known.
func New(kubernetes string, custom *validate.Definitions) (*Compiler, error) {
	v, err := openapi.Of(kubernetes)
	if err != nil {
		return nil, err
	}
	return For(v, custom)
}

// For returns a Compiler for what a cluster serves, and the custom kinds that are known
// beside that.
func For(served *openapi.Version, custom *validate.Definitions) (*Compiler, error) {
	v, err := version.ParseGeneric(served.Name)
	if err != nil {
		return nil, err
	}
	// New expressions may use what the version before has, too: it may be rolled
	// back to that.
	env := environment.MustBaseEnvSet(version.MajorMinor(v.Major(), v.Minor()-1))
	return &Compiler{kinds: newKinds(served, custom), env: env, compiled: map[string]*policy{}}, nil
}

// A policy is ready to judge, but for what is in problems.
type policy struct {
	object  *manifest.Object
	spec    admissionv1.ValidatingAdmissionPolicySpec
	matches matchconditions.Matcher
	// verdicts and messages are of spec.validations, one each; annotations of
	// spec.auditAnnotations.
	verdicts, messages, annotations cel.ConditionEvaluator
	// byNamespace says that an expression looks at the namespace.
	byNamespace bool

	problems []validate.Problem
	notes    []string
	unusable bool
}

func (p *policy) add(rule, path, message string) {
	p.problems = append(p.problems, validate.Problem{Rule: rule, Object: p.object, Path: path, Message: message})
}

// policy compiles one, or finds it.
func (c *Compiler) policy(o *manifest.Object) *policy {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := o.Hash() + " " + o.Origin.String()
	if p := c.compiled[id]; p != nil {
		return p
	}
	p := &policy{object: o}
	c.compiled[id] = p
	var body struct {
		Spec admissionv1.ValidatingAdmissionPolicySpec `json:"spec"`
	}
	if json.Unmarshal(o.JSON(), &body) != nil {
		p.unusable = true // told by its schema
		return p
	}
	p.spec = body.Spec
	if p.spec.MatchConstraints == nil {
		p.unusable = true
		return p
	}
	if err := c.compile(p); err != nil {
		p.add(validate.RulePolicyInvalid, "spec", err.Error())
		p.unusable = true
	}
	return p
}

// An expression of a policy, and where it stands.
type expression struct {
	name, text, path string
	types            []*celgo.Type
	// at is its index among the validations.
	at int
}

func (e *expression) GetExpression() string      { return e.text }
func (e *expression) ReturnTypes() []*celgo.Type { return e.types }
func (e *expression) GetName() string            { return e.name }

// compile goes the way that the API server goes. What does not compile there makes
// the policy be refused.
func (c *Compiler) compile(p *policy) error {
	compiler, err := cel.NewCompositedCompiler(c.env)
	if err != nil {
		return err
	}
	params := p.spec.ParamKind != nil
	all := cel.OptionalVariableDeclarations{HasParams: params, HasAuthorizer: true}
	words := cel.OptionalVariableDeclarations{HasParams: params}
	look := newInspector(c.env)
	for i, v := range p.spec.Variables {
		e := &expression{name: v.Name, text: v.Expression, path: fmt.Sprintf("spec.variables[%d].expression", i), types: []*celgo.Type{celgo.AnyType, celgo.DynType}}
		p.tell(e, compiler.CompileAndStoreVariable(e, all, environment.NewExpressions))
		look.variable(e)
	}
	compiled := func(e *expression, o cel.OptionalVariableDeclarations) cel.CompilationResult {
		result := compiler.CompileCELExpression(e, o, environment.NewExpressions)
		p.tell(e, result)
		return result
	}
	conditions := p.conditions(look)
	if len(conditions) > 0 {
		for i, m := range conditions {
			e := &expression{text: m.Expression, path: fmt.Sprintf("spec.matchConditions[%d].expression", i), types: []*celgo.Type{celgo.BoolType}}
			compiled(e, all)
		}
		accessors := make([]cel.ExpressionAccessor, len(conditions))
		for i := range conditions {
			accessors[i] = (*matchconditions.MatchCondition)(&conditions[i])
		}
		p.matches = matchconditions.NewMatcher(compiler.CompileCondition(accessors, all, environment.StoredExpressions), p.spec.FailurePolicy, "policy", "validate", p.object.Key.Name)
	}
	verdicts, messages := make([]cel.ExpressionAccessor, len(p.spec.Validations)), make([]cel.ExpressionAccessor, len(p.spec.Validations))
	for i, v := range p.spec.Validations {
		e := &expression{text: v.Expression, path: fmt.Sprintf("spec.validations[%d].expression", i), types: []*celgo.Type{celgo.BoolType}, at: i}
		result := compiled(e, all)
		if result.Error == nil && p.answerable(look, e) {
			verdicts[i] = e
		}
		if v.MessageExpression == "" {
			continue
		}
		m := &expression{text: v.MessageExpression, path: fmt.Sprintf("spec.validations[%d].messageExpression", i), types: []*celgo.Type{celgo.StringType}}
		if compiled(m, words).Error == nil && look.of(m.text).user == "" {
			messages[i] = m
		}
	}
	var annotations []cel.ExpressionAccessor
	for i, a := range p.spec.AuditAnnotations {
		e := &expression{name: a.Key, text: a.ValueExpression, path: fmt.Sprintf("spec.auditAnnotations[%d].valueExpression", i), types: []*celgo.Type{celgo.StringType, celgo.NullType}}
		if compiled(e, all).Error == nil && look.of(e.text) == (asks{}) {
			annotations = append(annotations, e)
		}
	}
	p.verdicts = compiler.CompileCondition(verdicts, all, environment.StoredExpressions)
	p.messages = compiler.CompileCondition(messages, words, environment.StoredExpressions)
	p.annotations = compiler.CompileCondition(annotations, all, environment.StoredExpressions)
	p.byNamespace = look.namespace
	if len(p.problems) == 0 {
		c.checkTypes(p)
	}
	return nil
}

// tell makes a problem of an expression that does not compile.
func (p *policy) tell(e *expression, result cel.CompilationResult) {
	if result.Error != nil {
		p.unusable = true
		p.add(validate.RulePolicyInvalid, e.path, "it does not compile: "+firstIssue(result.Error.Detail))
	}
}

// firstIssue is the first error of CEL's list, without the picture of where it is.
func firstIssue(text string) string {
	text = strings.TrimPrefix(text, "compilation failed: ")
	line, _, _ := strings.Cut(text, "\n")
	line = strings.TrimPrefix(line, "ERROR: <input>:")
	if place, rest, ok := strings.Cut(line, ": "); ok && strings.Count(place, ":") == 1 {
		return rest + " (at " + place + ")"
	}
	return line
}

// conditions are those that can be told; one that cannot makes the policy unusable,
// for what it is for is not known.
func (p *policy) conditions(look *inspector) []admissionv1.MatchCondition {
	for i, m := range p.spec.MatchConditions {
		if !p.answerable(look, &expression{text: m.Expression, path: fmt.Sprintf("spec.matchConditions[%d].expression", i)}) {
			p.unusable = true
		}
	}
	return slices.Clone(p.spec.MatchConditions)
}

// answerable says whether an expression can be evaluated here, and tells what of it
// cannot.
func (p *policy) answerable(look *inspector, e *expression) bool {
	switch asked := look.of(e.text); {
	case asked.authorizer != "":
		p.add(validate.RulePolicyUnanswered, e.path, "it asks the authorizer, which only a cluster has: it is not evaluated here")
		return false
	case asked.user != "":
		p.notes = append(p.notes, fmt.Sprintf("%s: ValidatingAdmissionPolicy %s: %s asks who the user is, which is not known here, and is not evaluated", p.object.Origin, p.object.Key.Name, e.path))
		return false
	}
	return true
}
