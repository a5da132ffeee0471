package validate

import (
	"fmt"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func role(r *report, o *rbacv1.Role) { r.rules(o.Rules, true) }

func clusterRole(r *report, o *rbacv1.ClusterRole) {
	r.rules(o.Rules, false)
	if o.AggregationRule == nil {
		return
	}
	at := field.NewPath("aggregationRule", "clusterRoleSelectors")
	if len(o.AggregationRule.ClusterRoleSelectors) == 0 {
		r.at(RuleRequired, at, "there must be one, at least")
	}
	for i := range o.AggregationRule.ClusterRoleSelectors {
		r.selector(at.Index(i), &o.AggregationRule.ClusterRoleSelectors[i])
	}
}

func (r *report) rules(rules []rbacv1.PolicyRule, namespaced bool) {
	for i, rule := range rules {
		at := field.NewPath("rules").Index(i)
		if len(rule.Verbs) == 0 {
			r.at(RuleRequired, at.Child("verbs"), "there must be one, at least")
		}
		if len(rule.NonResourceURLs) > 0 {
			switch {
			case namespaced:
				r.at(RuleConflict, at.Child("nonResourceURLs"), "they are for ClusterRoles")
			case len(rule.APIGroups)+len(rule.Resources)+len(rule.ResourceNames) > 0:
				r.at(RuleChoice, at.Child("nonResourceURLs"), "there are resources beside them: write two rules")
			}
			continue
		}
		if len(rule.APIGroups) == 0 {
			r.add(RuleRequired, at.Child("apiGroups").String(), "there must be one, at least", `the group of Pods, Services and Secrets is ""`)
		}
		if len(rule.Resources) == 0 {
			r.at(RuleRequired, at.Child("resources"), "there must be one, at least")
		}
	}
}

func roleBinding(r *report, o *rbacv1.RoleBinding) { r.binding(o.RoleRef, o.Subjects, true) }

func clusterRoleBinding(r *report, o *rbacv1.ClusterRoleBinding) {
	r.binding(o.RoleRef, o.Subjects, false)
}

func (r *report) binding(ref rbacv1.RoleRef, subjects []rbacv1.Subject, namespaced bool) {
	at := field.NewPath("roleRef")
	if ref.APIGroup != "" && ref.APIGroup != rbacv1.GroupName {
		r.at(RuleValue, at.Child("apiGroup"), "%.60q is not %s", ref.APIGroup, rbacv1.GroupName)
	}
	if ref.Kind != "ClusterRole" && (ref.Kind != "Role" || !namespaced) {
		r.at(RuleValue, at.Child("kind"), "%.60q is no kind of role for a %s", ref.Kind, r.object.Key.Kind)
	}
	if ref.Name == "" {
		r.at(RuleRequired, at.Child("name"), "it must not be empty")
	} else {
		r.names(RuleName, at.Child("name"), ref.Name, content.IsPathSegmentName(ref.Name))
	}
	for i, s := range subjects {
		r.subject(field.NewPath("subjects").Index(i), s, namespaced)
	}
}

func (r *report) subject(at *field.Path, s rbacv1.Subject, namespaced bool) {
	if s.Name == "" {
		r.at(RuleRequired, at.Child("name"), "it must not be empty")
	}
	switch s.Kind {
	case rbacv1.ServiceAccountKind:
		if s.Name != "" {
			r.names(RuleName, at.Child("name"), s.Name, validation.IsDNS1123Subdomain(s.Name))
		}
		if s.APIGroup != "" {
			r.at(RuleValue, at.Child("apiGroup"), "%.60q: it must be empty for a ServiceAccount", s.APIGroup)
		}
		if s.Namespace == "" && !namespaced { // else it is the binding's
			r.at(RuleRequired, at.Child("namespace"), "it must be there for a ServiceAccount")
		}
	case rbacv1.UserKind, rbacv1.GroupKind:
		if s.APIGroup != "" && s.APIGroup != rbacv1.GroupName {
			r.at(RuleValue, at.Child("apiGroup"), "%.60q is not %s", s.APIGroup, rbacv1.GroupName)
		}
	default:
		r.add(RuleValue, at.Child("kind").String(), fmt.Sprintf("%.60q is none of ServiceAccount, User, Group", s.Kind), "")
	}
}
