package policy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	celtypes "github.com/google/cel-go/common/types"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/cel"
	celconfig "k8s.io/apiserver/pkg/apis/cel"

	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/validate"
)

// Judge says what the policies of the cluster have against objects.
func (c *Cluster) Judge(ctx context.Context, set manifest.Set) []validate.Problem {
	var all []validate.Problem
	if len(c.policies) == 0 || len(c.bindings) == 0 {
		return nil
	}
	for _, o := range set {
		if s, ok := c.compiler.subject(o); ok {
			all = append(all, c.object(ctx, s)...)
		}
	}
	return all
}

func (c *Cluster) object(ctx context.Context, s *subject) []validate.Problem {
	var all []validate.Problem
	for _, name := range slices.Sorted(maps.Keys(c.policies)) {
		p := c.policies[name]
		if p.unusable {
			continue
		}
		m := c.matches(p.spec.MatchConstraints, s)
		if !m.yes {
			continue
		}
		for _, b := range c.bindings {
			if b.spec.PolicyName == name {
				all = append(all, c.underBinding(ctx, p, b, s, m)...)
			}
		}
	}
	return all
}

// underBinding judges an object by a policy as one binding puts it into force.
func (c *Cluster) underBinding(ctx context.Context, p *policy, b *binding, s *subject, m match) []validate.Problem {
	bound := c.matches(b.spec.MatchResources, s)
	if !bound.yes || bound.unknown || m.unknown {
		return nil
	}
	params, err := c.params(p.spec.ParamKind, b.spec.ParamRef, s.attributes.GetNamespace())
	if errors.Is(err, errNotHere) {
		return nil
	}
	if err != nil {
		return b.problems(p, s, []denial{{message: "failed to configure binding: " + err.Error(), failed: true}})
	}
	versioned, ok := c.compiler.as(s, m.kind)
	if !ok {
		return nil
	}
	var all []validate.Problem
	for _, param := range params {
		all = append(all, b.problems(p, s, c.evaluate(ctx, p, s, versioned, m, param))...)
	}
	return all
}

// A denial is what a policy has against an object.
type denial struct {
	message string
	path    string // of the field that it looked at, if it was one
	failed  bool   // to be evaluated
	always  bool   // denied whatever the binding says
}

// evaluate follows the API server's validator: conditions, validations and their
// messages, audit annotations, each within its cost limit.
func (c *Cluster) evaluate(ctx context.Context, p *policy, s *subject, versioned *admission.VersionedAttributes, m match, param runtime.Object) []denial {
	if p.matches != nil {
		switch result := p.matches.Match(ctx, versioned, param, nil); {
		case result.Error != nil:
			return failures(result.Error)
		case !result.Matches:
			return nil
		}
	}
	namespace, known := c.namespaceOf(s)
	if p.byNamespace && !known {
		return nil
	}
	request := cel.CreateAdmissionRequest(versioned.Attributes, metav1.GroupVersionResource(m.resource), metav1.GroupVersionKind(versioned.VersionedKind))
	given := cel.OptionalVariableBindings{VersionedParams: param}
	verdicts, budget, err := p.verdicts.ForInput(ctx, versioned, request, given, cel.CreateNamespaceObject(namespace), celconfig.RuntimeCELCostBudget)
	if err != nil {
		return failures(err)
	}
	messages, _, _ := p.messages.ForInput(ctx, versioned, request, given, cel.CreateNamespaceObject(namespace), budget)
	var all []denial
	for i, verdict := range verdicts {
		e, ok := verdict.ExpressionAccessor.(*expression)
		switch {
		case !ok: // left out
		case verdict.Error != nil:
			for _, d := range failures(verdict.Error) {
				d.path = c.compiler.field(e.text)
				all = append(all, d)
			}
		case verdict.EvalResult != celtypes.True:
			var worded cel.EvaluationResult
			if i < len(messages) {
				worded = messages[i]
			}
			all = append(all, denial{message: words(p.spec.Validations[e.at], worded), path: c.compiler.field(e.text)})
		}
	}
	annotations, _, err := p.annotations.ForInput(ctx, versioned, request, given, namespace, celconfig.RuntimeCELCostBudget)
	if err != nil {
		return append(all, failures(err)...)
	}
	for _, a := range annotations {
		if a.Error != nil {
			for _, d := range failures(a.Error) {
				d.always = true
				all = append(all, d)
			}
		}
	}
	return all
}

// failures is a policy that cannot be evaluated on an object. One that looked at
// what a Secret holds is left out.
func failures(err error) []denial {
	if strings.Contains(err.Error(), errHidden.Error()) {
		return nil
	}
	return []denial{{message: fmt.Sprintf("%.600s", err.Error()), failed: true}}
}

// words are those of a validation: of its messageExpression, its message, or the
// expression itself.
func words(v admissionv1.Validation, worded cel.EvaluationResult) string {
	if worded.Error == nil && worded.EvalResult != nil {
		text, _ := worded.EvalResult.Value().(string)
		text = strings.TrimSpace(text)
		if text != "" && len(text) <= celconfig.MaxEvaluatedMessageExpressionSizeBytes && !strings.Contains(text, "\n") {
			return text
		}
	}
	if text := strings.TrimSpace(v.Message); text != "" {
		return text
	}
	return "failed expression: " + strings.TrimSpace(v.Expression)
}

// problems are denials as a binding wants them told: Deny is an error, Warn and
// Audit are warnings.
func (b *binding) problems(p *policy, s *subject, denials []denial) []validate.Problem {
	rule := validate.RulePolicyWarning
	if slices.Contains(b.spec.ValidationActions, admissionv1.Deny) {
		rule = validate.RulePolicy
	}
	var all []validate.Problem
	for _, d := range denials {
		ignored := p.spec.FailurePolicy != nil && *p.spec.FailurePolicy == admissionv1.Ignore
		if d.failed && ignored {
			continue
		}
		told := rule
		if d.always {
			told = validate.RulePolicy
		}
		all = append(all, validate.Problem{
			Rule: told, Object: s.object, Path: d.path,
			Message: fmt.Sprintf("%s (ValidatingAdmissionPolicy %s, binding %s)", d.message, p.object.Key.Name, b.object.Key.Name),
		})
	}
	return all
}

// field is the one field of the object that an expression looks at, "" if there are
// several.
func (c *Compiler) field(text string) string {
	paths := newInspector(c.env).fields(text)
	slices.Sort(paths)
	paths = slices.Compact(paths)
	if len(paths) != 1 || strings.HasPrefix(paths[0], "metadata.name") {
		return ""
	}
	return paths[0]
}
