package install

import (
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// onlooker are the rights of an agent that looks on at Argo CD: to read. It reads what
// Applications state, whatever that is, and what it is rendered with, Secrets included,
// as Argo CD does.
//
// With ShadowDryRuns it may patch, for a dry run takes that right: the agent sends no
// other patch, but whoever has its token may.
func (o Options) onlooker() []runtime.Object {
	rules := []rbacv1.PolicyRule{rule("*", "*", "get", "list", "watch")}
	if o.ShadowDryRuns {
		rules = append(rules, rule("*", "*", "create", "patch")) // create: an apply of what is not there
	}
	return []runtime.Object{
		&rbacv1.ClusterRole{TypeMeta: rbacKind("ClusterRole"), ObjectMeta: o.clusterMeta(), Rules: rules},
		&rbacv1.ClusterRoleBinding{
			TypeMeta: rbacKind("ClusterRoleBinding"), ObjectMeta: o.clusterMeta(),
			Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: o.Namespace, Name: Name}},
			RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: o.clusterMeta().Name},
		},
	}
}
