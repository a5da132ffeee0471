package install

import (
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// rights are those of the agent's ServiceAccount.
//
// What Git states may be of any kind, so it takes the right to read, apply and
// delete all kinds; that is what it takes to deploy operators, too. An update is how
// an object with Replace=true is written, and a Secret that a SealedSecret takes
// over. It is not cluster-admin: there is no deletecollection, and no access to URLs
// that are no resources. A Role that Git states may grant what the agent has not: only
// with escalate and bind the API server takes it.
//
// With Impersonate it may read, and nothing else but in others' names. Without, it
// may do that as well, for ConfigMap argocd-cm can ask for it: who may create pods
// with any ServiceAccount gains nothing by it.
func (o Options) rights() []runtime.Object {
	if o.Shadow {
		return o.onlooker()
	}
	rules := []rbacv1.PolicyRule{rule("*", "*", "get", "list", "watch"), rule("", "serviceaccounts", "impersonate")}
	if !o.Impersonate {
		rules = append(rules,
			rule("*", "*", "create", "update", "patch", "delete"),
			rule(rbacv1.GroupName, "roles", "escalate", "bind"),
			rule(rbacv1.GroupName, "clusterroles", "escalate", "bind"),
		)
	}
	account := []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: o.Namespace, Name: Name}}
	all := []runtime.Object{
		&rbacv1.ClusterRole{TypeMeta: rbacKind("ClusterRole"), ObjectMeta: o.clusterMeta(), Rules: rules},
		&rbacv1.ClusterRoleBinding{
			TypeMeta: rbacKind("ClusterRoleBinding"), ObjectMeta: o.clusterMeta(), Subjects: account,
			RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: o.clusterMeta().Name},
		},
	}
	if !o.Impersonate {
		return all
	}
	return append(all,
		&rbacv1.Role{TypeMeta: rbacKind("Role"), ObjectMeta: o.meta(), Rules: o.own()},
		&rbacv1.RoleBinding{
			TypeMeta: rbacKind("RoleBinding"), ObjectMeta: o.meta(), Subjects: account,
			RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: Name},
		},
	)
}

// own are the rights that the agent needs for itself, in its own namespace: the status
// of Applications, those that ApplicationSets make, the default project, what it tells,
// the key of its rollout marks, and the Leases by which replicas divide the Applications. To update a set's finalizers is what an owner
// reference that blocks the owner's deletion takes, where the API server enforces that.
func (o Options) own() []rbacv1.PolicyRule {
	return []rbacv1.PolicyRule{
		rule("argoproj.io", "applications", "create", "patch", "delete"),
		rule("argoproj.io", "applicationsets", "patch"),
		rule("argoproj.io", "applicationsets/status", "patch"),
		rule("argoproj.io", "applicationsets/finalizers", "update"),
		rule("argoproj.io", "appprojects", "create"),
		rule("", "events", "create", "patch"),
		rule("", "configmaps", "create", "patch"),
		rule("", "secrets", "create"),
		rule("coordination.k8s.io", "leases", "create", "update", "delete"),
	}
}

func rule(group, resource string, verbs ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{group}, Resources: []string{resource}, Verbs: verbs}
}

func rbacKind(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: kind}
}
