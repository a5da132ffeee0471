package install

import (
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// rights are those of the agent's ServiceAccount: to destinations in the whole cluster,
// or in some namespaces, and to what it needs for itself, in its own namespace, as far
// as the others do not give that.
func (o Options) rights() []runtime.Object {
	if o.Shadow {
		return o.onlooker()
	}
	if !o.confined() {
		all := o.everywhere(o.destination())
		if o.Impersonate {
			all = append(all, o.in(o.Namespace, Name, o.own())...)
			all = append(all, o.away()...)
		}
		return all
	}
	all := o.in(o.Namespace, Name, o.own())
	for _, namespace := range o.Namespaces {
		all = append(all, o.in(namespace, o.clusterMeta().Name, o.destination())...)
	}
	if sealing := o.sealing(); sealing != o.Namespace && !slices.Contains(o.Namespaces, sealing) {
		all = append(all, o.in(sealing, o.clusterMeta().Name, []rbacv1.PolicyRule{rule("", "secrets", "list", "watch")})...)
	}
	return all
}

// destination are the rights to what Git states.
//
// That may be of any kind, so it takes the right to read, apply and
// delete all kinds; that is what it takes to deploy operators, too. An update is how
// an object with Replace=true is written, and a Secret that a SealedSecret takes
// over. It is not cluster-admin: there is no deletecollection, and no access to URLs
// that are no resources. A Role that Git states may grant what the agent has not, such
// as all verbs, and a RoleBinding may name ClusterRole admin: only with escalate and
// bind the API server takes them. In a namespace they are of no use outside of it.
//
// With Impersonate it may read, and nothing else but in others' names. Without, it
// may do that as well, for ConfigMap argocd-cm can ask for it: who may create pods
// with any ServiceAccount gains nothing by it.
func (o Options) destination() []rbacv1.PolicyRule {
	rules := []rbacv1.PolicyRule{rule("*", "*", "get", "list", "watch"), rule("", "serviceaccounts", "impersonate")}
	if o.Impersonate {
		return rules
	}
	rules = append(rules, rule("*", "*", "create", "update", "patch", "delete"), rule(rbacv1.GroupName, "roles", "escalate", "bind"))
	if o.confined() {
		return append(rules, rule(rbacv1.GroupName, "clusterroles", "bind"))
	}
	return append(rules, rule(rbacv1.GroupName, "clusterroles", "escalate", "bind"))
}

// own are the rights that the agent needs for itself, in its own namespace: the status
// of Applications, those that ApplicationSets make, the default project, what it tells,
// the key of its rollout marks, and the Leases by which replicas know each other. To
// update a set's finalizers is what an owner reference that blocks the owner's deletion
// takes, where the API server enforces that. Where nothing else lets it, it reads there
// the kinds that it follows.
func (o Options) own() []rbacv1.PolicyRule {
	rules := []rbacv1.PolicyRule{
		o.followed("argoproj.io", "applications", "create", "patch", "delete"),
		o.listed("argoproj.io", "applicationsets", "patch"),
		rule("argoproj.io", "applicationsets/status", "patch"),
		rule("argoproj.io", "applicationsets/finalizers", "update"),
		o.listed("argoproj.io", "appprojects", "create"),
		rule("", "events", "create", "patch"),
		o.followed("", "configmaps", "create", "patch"),
		o.followed("", "secrets", "create"),
		o.followed("coordination.k8s.io", "leases", "create", "update", "delete"),
	}
	if o.confined() { // to see whether Argo CD's controller runs there, too
		rules = append(rules, rbacv1.PolicyRule{APIGroups: []string{"apps"}, Resources: []string{"deployments", "statefulsets"}, Verbs: []string{"list"}})
	}
	return rules
}

// away are the rights that an agent without rights to destinations needs in other
// namespaces with Applications: to their status and finalizers, and to what it tells of
// them. Where ApplicationSets are, it makes and deletes theirs.
func (o Options) away() (all []runtime.Object) {
	for _, namespace := range o.ApplicationNamespaces {
		all = append(all, o.in(namespace, o.clusterMeta().Name, []rbacv1.PolicyRule{
			rule("argoproj.io", "applications", "patch"),
			rule("", "events", "create", "patch"),
		})...)
	}
	for _, namespace := range o.SetNamespaces {
		all = append(all, o.in(namespace, o.clusterMeta().Name+":sets", []rbacv1.PolicyRule{
			rule("argoproj.io", "applications", "create", "delete"),
			rule("argoproj.io", "applicationsets", "patch"),
			rule("argoproj.io", "applicationsets/status", "patch"),
			rule("argoproj.io", "applicationsets/finalizers", "update"),
		})...)
	}
	return all
}

// followed is a rule of what the agent reads and follows, too.
func (o Options) followed(group, resource string, verbs ...string) rbacv1.PolicyRule {
	if o.confined() {
		verbs = append([]string{"get"}, verbs...)
	}
	return o.listed(group, resource, verbs...)
}

// listed is a rule of what the agent follows, and does not read one by one.
func (o Options) listed(group, resource string, verbs ...string) rbacv1.PolicyRule {
	if o.confined() {
		verbs = append([]string{"list", "watch"}, verbs...)
	}
	return rule(group, resource, verbs...)
}

// everywhere gives the agent rights in the whole cluster.
func (o Options) everywhere(rules []rbacv1.PolicyRule) []runtime.Object {
	return []runtime.Object{
		&rbacv1.ClusterRole{TypeMeta: rbacKind("ClusterRole"), ObjectMeta: o.clusterMeta(), Rules: rules},
		&rbacv1.ClusterRoleBinding{
			TypeMeta: rbacKind("ClusterRoleBinding"), ObjectMeta: o.clusterMeta(), Subjects: o.subjects(),
			RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: o.clusterMeta().Name},
		},
	}
}

// in gives the agent rights in a namespace.
func (o Options) in(namespace, name string, rules []rbacv1.PolicyRule) []runtime.Object {
	meta := metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: labels()}
	return []runtime.Object{
		&rbacv1.Role{TypeMeta: rbacKind("Role"), ObjectMeta: meta, Rules: rules},
		&rbacv1.RoleBinding{
			TypeMeta: rbacKind("RoleBinding"), ObjectMeta: meta, Subjects: o.subjects(),
			RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
		},
	}
}

func (o Options) subjects() []rbacv1.Subject {
	return []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: o.Namespace, Name: Name}}
}

func rule(group, resource string, verbs ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{group}, Resources: []string{resource}, Verbs: verbs}
}

func rbacKind(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: kind}
}
