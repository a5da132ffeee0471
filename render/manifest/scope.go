package manifest

import "k8s.io/apimachinery/pkg/runtime/schema"

// clusterKinds are the kinds of Kubernetes itself, and of Argo CD and the
// secret tools, that live in no namespace. Used where no cluster can be asked.
var clusterKinds = map[schema.GroupKind]bool{
	{Kind: "Namespace"}:        true,
	{Kind: "Node"}:             true,
	{Kind: "PersistentVolume"}: true,
	{Group: "admissionregistration.k8s.io", Kind: "MutatingAdmissionPolicy"}:          true,
	{Group: "admissionregistration.k8s.io", Kind: "MutatingAdmissionPolicyBinding"}:   true,
	{Group: "admissionregistration.k8s.io", Kind: "MutatingWebhookConfiguration"}:     true,
	{Group: "admissionregistration.k8s.io", Kind: "ValidatingAdmissionPolicy"}:        true,
	{Group: "admissionregistration.k8s.io", Kind: "ValidatingAdmissionPolicyBinding"}: true,
	{Group: "admissionregistration.k8s.io", Kind: "ValidatingWebhookConfiguration"}:   true,
	{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}:                 true,
	{Group: "apiregistration.k8s.io", Kind: "APIService"}:                             true,
	{Group: "certificates.k8s.io", Kind: "CertificateSigningRequest"}:                 true,
	{Group: "certificates.k8s.io", Kind: "ClusterTrustBundle"}:                        true,
	{Group: "flowcontrol.apiserver.k8s.io", Kind: "FlowSchema"}:                       true,
	{Group: "flowcontrol.apiserver.k8s.io", Kind: "PriorityLevelConfiguration"}:       true,
	{Group: "gateway.networking.k8s.io", Kind: "GatewayClass"}:                        true,
	{Group: "networking.k8s.io", Kind: "IngressClass"}:                                true,
	{Group: "networking.k8s.io", Kind: "IPAddress"}:                                   true,
	{Group: "networking.k8s.io", Kind: "ServiceCIDR"}:                                 true,
	{Group: "node.k8s.io", Kind: "RuntimeClass"}:                                      true,
	{Group: "policy", Kind: "PodSecurityPolicy"}:                                      true,
	{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole"}:                         true,
	{Group: "rbac.authorization.k8s.io", Kind: "ClusterRoleBinding"}:                  true,
	{Group: "resource.k8s.io", Kind: "DeviceClass"}:                                   true,
	{Group: "resource.k8s.io", Kind: "ResourceSlice"}:                                 true,
	{Group: "scheduling.k8s.io", Kind: "PriorityClass"}:                               true,
	{Group: "storage.k8s.io", Kind: "CSIDriver"}:                                      true,
	{Group: "storage.k8s.io", Kind: "CSINode"}:                                        true,
	{Group: "storage.k8s.io", Kind: "StorageClass"}:                                   true,
	{Group: "storage.k8s.io", Kind: "VolumeAttachment"}:                               true,
	{Group: "storage.k8s.io", Kind: "VolumeAttributesClass"}:                          true,
	{Group: "cert-manager.io", Kind: "ClusterIssuer"}:                                 true,
	{Group: "external-secrets.io", Kind: "ClusterSecretStore"}:                        true,
	{Group: "external-secrets.io", Kind: "ClusterExternalSecret"}:                     true,
}

// Scopes answers, without a cluster, which kinds are namespaced: by a list of
// well-known kinds, and by the CustomResourceDefinitions of the set itself.
func (s Set) Scopes() func(*Object) (namespaced, known bool) {
	custom := s.Defines()
	return func(o *Object) (bool, bool) {
		gk := o.Key.GroupKind()
		if namespaced, ok := custom[gk]; ok {
			return namespaced, true
		}
		return !clusterKinds[gk], clusterKinds[gk]
	}
}

// Defines returns the kinds that the set's own CustomResourceDefinitions define,
// and whether they are namespaced.
func (s Set) Defines() map[schema.GroupKind]bool {
	kinds := map[schema.GroupKind]bool{}
	for _, o := range s {
		if o.defines != nil {
			kinds[o.defines.kind] = o.defines.namespaced
		}
	}
	return kinds
}

// Defines returns the kind that a CustomResourceDefinition defines; zero if the
// object is none.
func (o *Object) Defines() schema.GroupKind {
	if o.defines == nil {
		return schema.GroupKind{}
	}
	return o.defines.kind
}

// A definition is what a CustomResourceDefinition says of its kind. It is read
// once, for such an object may be large.
type definition struct {
	kind       schema.GroupKind
	namespaced bool
}

func definedBy(crd map[string]any) *definition {
	spec, _ := crd["spec"].(map[string]any)
	names, _ := spec["names"].(map[string]any)
	group, _ := spec["group"].(string)
	kind, _ := names["kind"].(string)
	return &definition{schema.GroupKind{Group: group, Kind: kind}, spec["scope"] != "Cluster"}
}
