package validate

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tidelock-io/tidelock/render/manifest"
)

// refused are the rules that speak for an API server: what they find, it refuses.
// The others find what it takes, and what will not do what was meant.
var refused = map[string]bool{
	RuleAnnotation: true, RuleCELRule: true, RuleChoice: true, RuleConflict: true, RuleCustomInvalid: true,
	RuleDefinition: true, RuleDuplicate: true, RuleFormat: true, RuleLabel: true, RuleMount: true, RuleName: true,
	RuleNamespace: true, RulePolicyInvalid: true, RulePort: true, RuleQuantity: true, RuleRemoved: true, RuleRequired: true, RuleSelector: true,
	RuleType: true, RuleUnknownField: true, RuleUnknownKind: true, RuleValue: true,
}

// Refused says whether an API server refuses what a rule finds.
func Refused(rule string) bool { return refused[rule] }

// Judges says whether there is something to compare an object with: its kind is one of
// Kubernetes', or its definition is known.
func (c *Checker) Judges(o *manifest.Object) bool {
	return o.Key.GroupKind() != pluginFile && !c.Foreign(o) && len(c.Unknown(manifest.Set{o})) == 0
}

// Defined returns the definition of a custom kind, nil if there is none.
func (d *Definitions) Defined(kind schema.GroupKind) *manifest.Object {
	if def := d.kinds[kind]; def != nil {
		return def.object
	}
	return nil
}

// A Disagreement is an object of which an API server and the rules say otherwise.
type Disagreement struct {
	Object string `json:"object"`
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	// Rules are what they say of it, Server what that says: nothing in one of both.
	Rules  []string `json:"rules,omitempty"`
	Server []string `json:"server,omitempty"`
}

// String prints it on one line.
func (d Disagreement) String() string {
	at := Finding{File: d.File, Line: d.Line}.Position()
	if len(d.Rules) == 0 {
		return fmt.Sprintf("%s: %s: the API server refuses it, and no rule does: %s", at, d.Object, strings.Join(d.Server, "; "))
	}
	return fmt.Sprintf("%s: %s: the API server takes it, and rules refuse it: %s", at, d.Object, strings.Join(d.Rules, "; "))
}

// ownPolicy is how an API server words the refusal of a ValidatingAdmissionPolicy: that
// is the repository's own rule, and not one of Kubernetes'.
const ownPolicy = "ValidatingAdmissionPolicy '"

// Confront compares what the rules have found of one object with what an API server
// has against it. It returns the findings that the server adds, and the disagreement
// if there is one.
func Confront(found, refusals []Finding) (added []Finding, d *Disagreement) {
	var rules, server []string
	for _, f := range found {
		if Refused(f.Rule) {
			rules = append(rules, f.Rule+": "+f.Text())
		}
	}
	for _, f := range refusals {
		if !strings.HasPrefix(f.Message, ownPolicy) {
			server = append(server, f.Text())
		}
		if !explained(f, found) {
			added = append(added, f)
		}
	}
	switch {
	case len(rules) > 0 && len(refusals) == 0:
		f := found[0]
		return nil, &Disagreement{Object: f.Object, File: f.File, Line: f.Line, Rules: rules}
	case len(rules) == 0 && len(server) > 0:
		f := refusals[0]
		return added, &Disagreement{Object: f.Object, File: f.File, Line: f.Line, Server: server}
	}
	return added, nil
}

// explained says whether a rule has found what a server refuses, or, where that names
// no field, anything that it would.
func explained(refusal Finding, found []Finding) bool {
	for _, f := range found {
		at := f.Line > 0 && f.Line == refusal.Line && f.File == refusal.File // of a field with a default
		if f.Rule == RulePolicy && strings.HasPrefix(refusal.Message, ownPolicy) {
			return true
		}
		if Refused(f.Rule) && (at || refusal.Field == "" || within(refusal.Field, f.Field) || within(f.Field, refusal.Field)) {
			return true
		}
	}
	return false
}

// within says whether a field is another, or a part of it.
func within(part, whole string) bool {
	rest, ok := strings.CutPrefix(part, whole)
	return ok && (rest == "" || whole == "" || rest[0] == '.' || rest[0] == '[')
}
