package references

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// grant finds out what workloads may create: what a controller makes for itself is
// in its own namespace, wherever its rights reach.
func (m *makers) grant() {
	creates := map[place]map[string]bool{}
	for _, role := range m.roles {
		creates[place{role.by.Key.GroupKind(), role.namespace, role.by.Key.Name}] = creatable(role.body)
	}
	for _, binding := range m.bindings {
		ref := binding.body.in("roleRef")
		role := place{kindClusterRole, "", ref.in("name").text()}
		if ref.in("kind").text() == "Role" {
			role = place{kindRole, binding.namespace, role.name}
		}
		may := creates[role]
		if may == nil && role.kind == kindClusterRole && slices.Contains([]string{"cluster-admin", "admin", "edit"}, role.name) {
			may = map[string]bool{"*": true}
		}
		for _, subject := range binding.body.each("subjects") {
			namespace := subject.in("namespace").or(binding.namespace)
			if subject.in("kind").text() != "ServiceAccount" || !m.runs[place{kindServiceAccount, namespace, subject.in("name").text()}] {
				continue
			}
			if binding.namespace != "" {
				namespace = binding.namespace
			}
			if m.writes[namespace] == nil {
				m.writes[namespace] = map[string]bool{}
			}
			for resource := range may {
				m.writes[namespace][resource] = true
			}
		}
	}
}

// creatable are the resources that a role allows to create.
func creatable(role field) map[string]bool {
	all := map[string]bool{}
	for _, rule := range role.each("rules") {
		if !includes(rule.in("verbs"), "create") {
			continue
		}
		for _, resource := range rule.each("resources") {
			all[resource.text()] = true
		}
	}
	return all
}

func includes(list field, text string) bool {
	return slices.ContainsFunc(list.items(), func(f field) bool { return f.text() == text || f.text() == "*" })
}

// resources are the names by which roles know kinds. Whoever may make workloads
// makes pods.
var resources = map[schema.GroupKind][]string{
	kindSecret: {"secrets"}, kindConfigMap: {"configmaps"}, kindService: {"services"}, kindServiceAccount: {"serviceaccounts"},
	kindClaim: {"persistentvolumeclaims"}, kindRole: {"roles"}, kindDeployment: {"deployments"}, kindStatefulSet: {"statefulsets"},
	kindPod: {"pods", "deployments", "statefulsets", "daemonsets", "replicasets", "jobs"},
}
