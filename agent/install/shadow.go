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
func (o Options) onlooker() []runtime.Object { return o.everywhere(o.reading()) }

func (o Options) reading() []rbacv1.PolicyRule {
	rules := []rbacv1.PolicyRule{rule("*", "*", "get", "list", "watch")}
	if o.ShadowDryRuns {
		rules = append(rules, rule("*", "*", "patch")) // what is not there is not asked for
	}
	return rules
}
