package references

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// isSystem are namespaces that platforms fill.
func isSystem(namespace string) bool {
	return strings.HasPrefix(namespace, "kube-") || strings.HasPrefix(namespace, "openshift") || strings.HasPrefix(namespace, "gke-") ||
		strings.HasPrefix(namespace, "gmp-") || strings.HasPrefix(namespace, "amazon-") || strings.HasPrefix(namespace, "aks-")
}

// wellKnown are objects that clusters have by themselves.
func wellKnown(u *use) bool {
	switch u.kind {
	case kindServiceAccount:
		return slices.Contains([]string{"default", "builder", "deployer", "pipeline"}, u.name)
	case kindConfigMap:
		return slices.Contains([]string{"kube-root-ca.crt", "openshift-service-ca.crt", "istio-ca-root-cert"}, u.name)
	case kindService:
		return u.name == "kubernetes" && (u.namespace == "default" || u.namespace == "")
	case kindPriorityClass:
		return strings.HasPrefix(u.name, "system-") || strings.HasPrefix(u.name, "openshift-")
	case kindClusterRole:
		return strings.HasPrefix(u.name, "system:") || slices.Contains([]string{"cluster-admin", "admin", "edit", "view"}, u.name)
	}
	return false
}

// excused says whether what is referred to may be there, though nothing here makes
// it.
func (w *world) excused(of *made, u *use, c *cluster) bool {
	if clusterKinds[u.kind] {
		return !w.owns(c, u.kind) || w.partly(c)
	}
	if w.opaque(c, u.namespace) {
		return true
	}
	if u.namespace != of.namespace && !w.reaches(c, u.namespace) {
		return true
	}
	return slices.ContainsFunc(c.kin, func(k *cluster) bool { return k.makers.may(u.kind, u.namespace, u.name) })
}

// owns says whether the kind is rendered for a cluster at all: else others have it in
// their hands.
func (w *world) owns(c *cluster, kind schema.GroupKind) bool {
	return slices.ContainsFunc(c.kin, func(k *cluster) bool { return k.kinds[kind] })
}

// partly says whether something that goes to a cluster is not seen.
func (w *world) partly(c *cluster) bool {
	return slices.ContainsFunc(c.kin, func(k *cluster) bool { return len(k.unseen) > 0 || k.makers.deploys[everyNamespace] })
}

// opaque says whether a namespace has objects that are not seen.
func (w *world) opaque(c *cluster, namespace string) bool {
	if namespace == "" {
		return w.partly(c)
	}
	return isSystem(namespace) || slices.ContainsFunc(c.kin, func(k *cluster) bool { return k.unseen[namespace] || k.unseen[""] })
}

// reaches says whether anything is rendered into a namespace.
func (w *world) reaches(c *cluster, namespace string) bool {
	return slices.ContainsFunc(c.kin, func(k *cluster) bool { return k.seen[namespace] })
}
