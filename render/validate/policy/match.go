package policy

import (
	"slices"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/predicates/rules"
)

// A match says whether a policy is for an object.
type match struct {
	yes bool
	// unknown says that only a cluster could tell.
	unknown bool
	// as is the resource and kind that the policy takes it for.
	resource schema.GroupVersionResource
	kind     schema.GroupVersionKind
}

// matches compares an object with the resources of a policy, or of a binding, in the
// order of the API server.
func (c *Cluster) matches(m *admissionv1.MatchResources, s *subject) match {
	own := match{yes: true, resource: s.attributes.GetResource(), kind: s.attributes.GetKind()}
	if m == nil {
		return own
	}
	objects, err := metav1.LabelSelectorAsSelector(orAll(m.ObjectSelector))
	if err != nil || !objects.Matches(labels.Set(s.object.Labels)) {
		return match{}
	}
	if excluded := c.byRules(m.ExcludeResourceRules, m.MatchPolicy, s); excluded.yes {
		return match{}
	}
	if len(m.ResourceRules) > 0 {
		if own = c.byRules(m.ResourceRules, m.MatchPolicy, s); !own.yes {
			return match{}
		}
	}
	namespaces, err := metav1.LabelSelectorAsSelector(orAll(m.NamespaceSelector))
	if err != nil {
		return match{}
	}
	in, known := c.inNamespaces(namespaces, s)
	return match{yes: in, unknown: !known, resource: own.resource, kind: own.kind}
}

// orAll is a selector that may be missing.
func orAll(s *metav1.LabelSelector) *metav1.LabelSelector {
	if s == nil {
		return &metav1.LabelSelector{}
	}
	return s
}

// byRules looks for a rule that names the object, as it is or, unless the policy
// wants it exact, in another version.
func (c *Cluster) byRules(list []admissionv1.NamedRuleWithOperations, how *admissionv1.MatchPolicyType, s *subject) match {
	kind := s.attributes.GetKind()
	versions := []schema.GroupVersionKind{kind}
	if how == nil || *how == admissionv1.Equivalent {
		versions = append(versions, c.compiler.kinds.others(kind)...)
	}
	for _, version := range versions {
		resource, ok := c.compiler.kinds.resource(version)
		if !ok {
			continue
		}
		for _, rule := range list {
			r := rules.Matcher{Rule: rule.RuleWithOperations, Attr: inVersion{s.attributes, resource}}
			if r.Matches() && (len(rule.ResourceNames) == 0 || slices.Contains(rule.ResourceNames, s.attributes.GetName())) {
				return match{yes: true, resource: resource, kind: version}
			}
		}
	}
	return match{}
}

// inVersion are the attributes of an object in another version.
type inVersion struct {
	admission.Attributes
	resource schema.GroupVersionResource
}

func (v inVersion) GetResource() schema.GroupVersionResource { return v.resource }

// inNamespaces compares a namespace's labels, as far as they are known.
func (c *Cluster) inNamespaces(selector labels.Selector, s *subject) (in, known bool) {
	name := s.attributes.GetNamespace()
	switch {
	case selector.Empty() || name == "":
		return true, true
	case s.isNamespace():
		return selector.Matches(withName(s.object.Key.Name, s.object.Labels)), true
	}
	if namespace := c.namespaces[name]; namespace != nil {
		return selector.Matches(labels.Set(namespace.Labels)), true
	}
	requirements, selectable := selector.Requirements()
	if !selectable {
		return false, true
	}
	all := true
	for _, r := range requirements {
		if r.Key() != corev1.LabelMetadataName {
			all = false
		} else if !r.Matches(withName(name, nil)) {
			return false, true
		}
	}
	return all, all
}

// withName adds the label that every namespace has.
func withName(name string, all map[string]string) labels.Set {
	set := labels.Set{corev1.LabelMetadataName: name}
	for key, value := range all {
		set[key] = value
	}
	return set
}
