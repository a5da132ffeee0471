package install

import (
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A Right is one thing that the agent may do.
type Right struct {
	// Namespace is where; "" is everywhere.
	Namespace string
	// Resource has its subresource behind a slash; it may be *, and so may the group.
	Verb, Group, Resource string
}

// String is the right as people say it.
func (r Right) String() string {
	text := r.Verb + " " + r.Resource
	if r.Group != "" && r.Group != "*" {
		text += "." + r.Group
	}
	if r.Namespace != "" {
		text += " in " + r.Namespace
	}
	return text
}

// Rights are all that an installation gives, one by one.
func Rights(o Options) []Right {
	var all []Right
	for _, object := range o.rights() {
		switch role := object.(type) {
		case *rbacv1.ClusterRole:
			all = append(all, listed("", role.Rules)...)
		case *rbacv1.Role:
			all = append(all, listed(role.Namespace, role.Rules)...)
		}
	}
	return all
}

// DestinationRights are those that an agent needs in a cluster that it deploys to.
func DestinationRights(o Options) (all []Right) {
	rules := o.destination()
	if o.Shadow {
		rules = o.reading()
	}
	if !o.confined() {
		return listed("", rules)
	}
	for _, namespace := range o.Namespaces {
		all = append(all, listed(namespace, rules)...)
	}
	return all
}

func listed(namespace string, rules []rbacv1.PolicyRule) (all []Right) {
	for _, rule := range rules {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					all = append(all, Right{Namespace: namespace, Verb: verb, Group: group, Resource: resource})
				}
			}
		}
	}
	return all
}

// Is says whether an object is the one of a kind and a name.
func (o Object) Is(kind, namespace, name string) bool {
	return o["kind"] == kind && o.namespaceOf() == namespace && o.key() == name
}

// ResourceOf is how the objects of this package are reached, all of which have plurals
// that are regular.
func ResourceOf(o Object) schema.GroupVersionResource {
	version, _ := o["apiVersion"].(string)
	kind, _ := o["kind"].(string)
	gv, _ := schema.ParseGroupVersion(version) // of an object of ours
	resource := strings.ToLower(kind) + "s"
	if base, ok := strings.CutSuffix(resource, "ys"); ok {
		resource = base + "ies"
	}
	return gv.WithResource(resource)
}
