package validate

import (
	"slices"
	"strings"
)

// A Rule is a kind of fault.
type Rule struct {
	ID       string   `json:"id"`
	Severity Severity `json:"severity"`
	Text     string   `json:"text"`
}

// Rules. Those of rendering and syntax are the caller's to report.
const (
	RuleAnnotation      = "annotation"
	RuleApplication     = "application"
	RuleApplicationLint = "application-lint"
	RuleCELRule         = "cel-rule"
	RuleChoice          = "choice"
	RuleConflict        = "conflict"
	RuleDefinition      = "definition"
	RuleDeprecated      = "deprecated-api"
	RuleDuplicate       = "duplicate-item"
	RuleFormat          = "format"
	RuleIgnore          = "ignore"
	RuleImage           = "image"
	RuleLabel           = "label"
	RuleMount           = "mount"
	RuleName            = "name"
	RuleNamespace       = "namespace"
	RulePatchTarget     = "patch-target"
	RuleProbePort       = "probe-port"
	RulePort            = "port"
	RuleQuantity        = "quantity"
	RuleReal            = "real"
	RuleRemoved         = "removed-api"
	RuleRender          = "render"
	RuleRequired        = "required-field"
	RuleSelector        = "selector"
	RuleServicePort     = "service-port"
	RuleSyntax          = "syntax"
	RuleType            = "wrong-type"
	RuleUnknownField    = "unknown-field"
	RuleUnknownKind     = "unknown-kind"
	RuleUnusedIgnore    = "unused-ignore"
	RuleValue           = "value"
	RuleCustomInvalid   = "custom-schema"
)

var rules = inOrder(objectRules, secretRules, referenceRules, fleetRules, policyRules, setRules)

var objectRules = []Rule{
	{RuleAnnotation, Error, "an annotation's key is none, or the annotations are too large together"},
	{RuleApplication, Error, "an Application, ApplicationSet or AppProject cannot be acted on as it is"},
	{RuleApplicationLint, Warning, "a setting of an Application that has no effect, or another than it seems"},
	{RuleCELRule, Error, "a rule (x-kubernetes-validations) of a custom kind's definition does not hold"},
	{RuleChoice, Error, "of several fields just one, or at least one, must be there: the source of a volume, the action of a probe"},
	{RuleConflict, Error, "two fields exclude each other, or do not fit together"},
	{RuleCustomInvalid, Error, "a value is not what the custom kind's definition demands: range, pattern, length"},
	{RuleDefinition, Error, "a CustomResourceDefinition cannot be used"},
	{RuleDeprecated, Warning, "an API version that a later Kubernetes will not serve"},
	{RuleDuplicate, Error, "two items of a list have the same key: name, port, path of a mount"},
	{RuleFormat, Error, "a text is not of the form that it must have: time, base64, cron schedule, IP address, CIDR"},
	{RuleIgnore, Error, "a comment, or an entry of .tidelock.yaml, that cannot be read as one that silences a rule"},
	{RuleImage, Error, "an image's name is none that an image can have: its pod never starts; silent of placeholders"},
	{RuleLabel, Error, "a label, or what a selector compares it with, is none"},
	{RuleMount, Error, "a container mounts a volume that its pod does not have"},
	{RuleName, Error, "a name is not what the kind allows"},
	{RuleNamespace, Error, "an object of a namespace has a name for it that is none"},
	{RulePatchTarget, Warning, "a patch or a replacement of a kustomization is for nothing that any overlay renders; silent where one deletes objects"},
	{RulePort, Error, "a number that is no port"},
	{RuleProbePort, Error, "a probe, or a hook, names a port that its container does not have"},
	{RuleQuantity, Error, "an amount of memory, CPU or storage cannot be read, is negative, or a request exceeds its limit"},
	{RuleReal, Error, "an API server refuses the object: what it has against it (--real)"},
	{RuleRemoved, Error, "an API version that this Kubernetes does not serve any more"},
	{RuleRender, Error, "an Application, overlay or chart cannot be rendered"},
	{RuleRequired, Error, "a field that must be there is not"},
	{RuleSelector, Error, "a selector does not match the labels of the template beside it"},
	{RuleServicePort, Error, "a Service names a port that none of the pods it selects has"},
	{RuleSyntax, Error, "a file with manifests, values or patches cannot be read, or a key stands twice in a map"},
	{RuleUnknownField, Error, "a field that the kind does not have"},
	{RuleUnknownKind, Error, "Kubernetes, or the cluster of --from-cluster, has no such kind, or not in this group and version"},
	{RuleUnusedIgnore, Warning, "a silenced finding no longer occurs"},
	{RuleValue, Error, "a value is none of those that its field may have, or out of range"},
	{RuleType, Error, "a value is of another type than its field"},
}

func inOrder(lists ...[]Rule) []Rule {
	return slices.SortedFunc(slices.Values(slices.Concat(lists...)), func(a, b Rule) int { return strings.Compare(a.ID, b.ID) })
}

// Rules returns all rules, by their names.
func Rules() []Rule { return slices.Clone(rules) }

// RuleNamed returns a rule.
func RuleNamed(id string) (Rule, bool) {
	i := slices.IndexFunc(rules, func(r Rule) bool { return r.ID == id })
	if i < 0 {
		return Rule{}, false
	}
	return rules[i], true
}

// severityOf is an error for what is no rule.
func severityOf(id string) Severity {
	if rule, ok := RuleNamed(id); ok {
		return rule.Severity
	}
	return Error
}
