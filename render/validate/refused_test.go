package validate

import (
	"strings"
	"testing"
)

func TestConfront(t *testing.T) {
	found := func(rule, path string) Finding {
		return Finding{Rule: rule, Severity: Error, Object: "Service a/b", File: "a.yaml", Line: 3, Field: path, Message: "bad"}
	}
	for _, tt := range []struct {
		name            string
		found, refusals []Finding
		added           int
		says            string
	}{
		{"both take it", nil, nil, 0, ""},
		{"of the same field", []Finding{found(RulePort, "spec.ports[0].port")}, []Finding{found(RuleReal, "spec.ports[0].port")}, 0, ""},
		{"of a part of it", []Finding{found(RuleRequired, "spec.ports")}, []Finding{found(RuleReal, "spec.ports[0]")}, 0, ""},
		{"of the same line", []Finding{found(RulePort, "spec.port")}, []Finding{found(RuleReal, "spec.targetPort")}, 0, ""},
		{"of another field", []Finding{found(RulePort, "spec.port")}, []Finding{{Rule: RuleReal, File: "a.yaml", Line: 9, Field: "spec.ports"}}, 1, ""},
		{"of no field", []Finding{found(RulePort, "spec.port")}, []Finding{found(RuleReal, "")}, 0, ""},
		{"the server alone", []Finding{found(RuleProbePort, "spec.port")}, []Finding{found(RuleReal, "spec.port")}, 1, "a.yaml:3: Service a/b: the API server refuses it, and no rule does: Service a/b: spec.port: bad"},
		{"the rules alone", []Finding{found(RulePort, "spec.port")}, nil, 0, "a.yaml:3: Service a/b: the API server takes it, and rules refuse it: port: Service a/b: spec.port: bad"},
		{"a rule that speaks of what a server takes", []Finding{found(RuleProbePort, "spec.port")}, nil, 0, ""},
		{"a policy of the repository", nil, []Finding{{Rule: RuleReal, Object: "Service a/b", Message: ownPolicy + "x' denied request"}}, 1, ""},
		{"a policy that is judged by here", []Finding{found(RulePolicy, "")}, []Finding{{Rule: RuleReal, Object: "Service a/b", Message: ownPolicy + "x' denied request"}}, 0, ""},
	} {
		added, d := Confront(tt.found, tt.refusals)
		says := ""
		if d != nil {
			says = d.String()
		}
		if len(added) != tt.added || says != tt.says {
			t.Errorf("%s: added %v, says %q", tt.name, added, says)
		}
	}
}

// What speaks for an API server is an error, and a rule.
func TestRefusedAreRules(t *testing.T) {
	for id := range refused {
		rule, ok := RuleNamed(id)
		if !ok || rule.Severity != Error || strings.HasPrefix(id, "application") {
			t.Errorf("%s: %+v", id, rule)
		}
	}
}
