package references

import (
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/validate"
)

// Kinds that are referred to.
var (
	kindSecret          = schema.GroupKind{Kind: "Secret"}
	kindConfigMap       = schema.GroupKind{Kind: "ConfigMap"}
	kindService         = schema.GroupKind{Kind: "Service"}
	kindServiceAccount  = schema.GroupKind{Kind: "ServiceAccount"}
	kindClaim           = schema.GroupKind{Kind: "PersistentVolumeClaim"}
	kindPod             = schema.GroupKind{Kind: "Pod"}
	kindRole            = schema.GroupKind{Group: "rbac.authorization.k8s.io", Kind: "Role"}
	kindClusterRole     = schema.GroupKind{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole"}
	kindPriorityClass   = schema.GroupKind{Group: "scheduling.k8s.io", Kind: "PriorityClass"}
	kindRuntimeClass    = schema.GroupKind{Group: "node.k8s.io", Kind: "RuntimeClass"}
	kindStorageClass    = schema.GroupKind{Group: "storage.k8s.io", Kind: "StorageClass"}
	kindIngressClass    = schema.GroupKind{Group: "networking.k8s.io", Kind: "IngressClass"}
	kindGatewayClass    = schema.GroupKind{Group: groupGateway, Kind: "GatewayClass"}
	kindGateway         = schema.GroupKind{Group: groupGateway, Kind: "Gateway"}
	kindProviderClass   = schema.GroupKind{Group: "secrets-store.csi.x-k8s.io", Kind: "SecretProviderClass"}
	kindDeployment      = schema.GroupKind{Group: "apps", Kind: "Deployment"}
	kindStatefulSet     = schema.GroupKind{Group: "apps", Kind: "StatefulSet"}
	kindReplicaSet      = schema.GroupKind{Group: "apps", Kind: "ReplicaSet"}
	kindDaemonSet       = schema.GroupKind{Group: "apps", Kind: "DaemonSet"}
	kindController      = schema.GroupKind{Kind: "ReplicationController"}
	kindRollout         = schema.GroupKind{Group: "argoproj.io", Kind: "Rollout"}
	kindTriggerAuth     = schema.GroupKind{Group: "keda.sh", Kind: "TriggerAuthentication"}
	kindClusterTrigger  = schema.GroupKind{Group: "keda.sh", Kind: "ClusterTriggerAuthentication"}
	kindAdmissionPolicy = schema.GroupKind{Group: groupAdmission, Kind: "ValidatingAdmissionPolicy"}
	kindMutatingPolicy  = schema.GroupKind{Group: groupAdmission, Kind: "MutatingAdmissionPolicy"}
)

const (
	groupGateway   = "gateway.networking.k8s.io"
	groupAdmission = "admissionregistration.k8s.io"
)

// ruleOf is the rule that a reference to a kind breaks if nothing makes it. Those
// without one are told if they are misnamed, and else left alone.
var ruleOf = map[schema.GroupKind]string{
	kindSecret: validate.RuleMissingSecret, kindProviderClass: validate.RuleMissingSecret,
	kindConfigMap: validate.RuleMissingConfigMap, kindService: validate.RuleMissingService,
	kindServiceAccount: validate.RuleMissingServiceAccount, kindClaim: validate.RuleMissingClaim,
	kindRole: validate.RuleMissingRole, kindClusterRole: validate.RuleMissingRole,
	kindPriorityClass: validate.RuleMissingClass, kindRuntimeClass: validate.RuleMissingClass,
	kindIngressClass: validate.RuleMissingClass, kindGatewayClass: validate.RuleMissingClass,
	kindGateway: validate.RuleMissingGateway, kindAdmissionPolicy: validate.RuleMissingPolicy, kindMutatingPolicy: validate.RuleMissingPolicy,
}

// clusterKinds are those referred to that live in no namespace.
var clusterKinds = map[schema.GroupKind]bool{
	kindClusterRole: true, kindPriorityClass: true, kindRuntimeClass: true, kindStorageClass: true, kindIngressClass: true,
	kindGatewayClass: true, kindAdmissionPolicy: true, kindMutatingPolicy: true, kindClusterTrigger: true,
}

// A use is one reference of an object to another.
type use struct {
	of        *manifest.Object
	at        string // the field that has the name
	kind      schema.GroupKind
	namespace string // "" if it is not known, or of no namespace
	name      string
	rule      string // that it breaks; "" for that of the kind
	optional  bool   // it need not be there

	key   string // of a ConfigMap's or Secret's data that must be there, or the listener of a Gateway; "" if none
	keyAt string
	port  any    // of a Service: a number or a name, nil if none
	wrong string // what is wrong whatever there is; "" if that is to be seen
}

func (u *use) missing() string {
	if u.rule != "" {
		return u.rule
	}
	return ruleOf[u.kind]
}

// A choice is what an object selects by labels.
type choice struct {
	of         *manifest.Object
	at         string
	kind       schema.GroupKind // Pod or Service
	selector   selector
	namespaces []string // that it looks into
	everywhere bool
	ports      []field // names that one of the selected must have
	quiet      bool    // silent where no pod is known at all
}

// A walker collects what an object refers to.
type walker struct {
	of      *manifest.Object
	uses    []use
	choices []choice
}

// names notes a reference by the name that a field has, in the object's own
// namespace.
func (w *walker) names(kind schema.GroupKind, f field) *use {
	return w.namesIn(kind, w.of.Key.Namespace, f)
}

// namesIn is names in another namespace. What is no name that an object may have
// is left to the checks of names, and to what fills placeholders.
func (w *walker) namesIn(kind schema.GroupKind, namespace string, f field) *use {
	if !isName(f.text()) {
		return &use{}
	}
	if clusterKinds[kind] {
		namespace = ""
	}
	w.uses = append(w.uses, use{of: w.of, at: f.path, kind: kind, namespace: namespace, name: f.text()})
	return &w.uses[len(w.uses)-1]
}

// isName leaves out what is to be replaced: $(NAME), ${name}, {{name}}.
func isName(text string) bool {
	if text == "" || len(text) > 253 {
		return false
	}
	for _, c := range []byte(text) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != ':' {
			return false
		}
	}
	return true
}

// usesOf walks through an object.
func usesOf(o *manifest.Object, body field) *walker {
	w := &walker{of: o}
	if template, ok := templateOf(o, body); ok {
		w.template(template, body)
	}
	if walk := walks[o.Key.GroupKind()]; walk != nil {
		walk(w, body)
	}
	return w
}

// walks are the ways through kinds, besides their pods.
var walks = map[schema.GroupKind]func(*walker, field){
	kindServiceAccount: (*walker).serviceAccount,
	kindSecret:         (*walker).tokenSecret,
	kindService:        (*walker).service,
	kindStatefulSet:    (*walker).statefulSet,
	kindClaim:          (*walker).claim,
	kindRollout:        (*walker).rollout,
	kindGateway:        (*walker).gateway,
	kindTriggerAuth:    (*walker).triggerAuthentication,
	{Group: "networking.k8s.io", Kind: "Ingress"}:                     (*walker).ingress,
	{Group: "networking.k8s.io", Kind: "NetworkPolicy"}:               (*walker).networkPolicy,
	{Group: "policy", Kind: "PodDisruptionBudget"}:                    (*walker).disruptionBudget,
	{Group: groupGateway, Kind: "HTTPRoute"}:                          (*walker).route,
	{Group: groupGateway, Kind: "GRPCRoute"}:                          (*walker).route,
	{Group: groupGateway, Kind: "TLSRoute"}:                           (*walker).route,
	{Group: groupGateway, Kind: "TCPRoute"}:                           (*walker).route,
	{Group: groupGateway, Kind: "UDPRoute"}:                           (*walker).route,
	{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}:           (*walker).autoscaler,
	{Group: "autoscaling.k8s.io", Kind: "VerticalPodAutoscaler"}:      (*walker).verticalAutoscaler,
	{Group: "keda.sh", Kind: "ScaledObject"}:                          (*walker).scaledObject,
	{Group: "keda.sh", Kind: "ScaledJob"}:                             (*walker).triggers,
	{Group: "monitoring.coreos.com", Kind: "ServiceMonitor"}:          (*walker).serviceMonitor,
	{Group: "monitoring.coreos.com", Kind: "PodMonitor"}:              (*walker).podMonitor,
	{Group: "rbac.authorization.k8s.io", Kind: "RoleBinding"}:         (*walker).binding,
	{Group: "rbac.authorization.k8s.io", Kind: "ClusterRoleBinding"}:  (*walker).binding,
	{Group: groupAdmission, Kind: "ValidatingWebhookConfiguration"}:   (*walker).webhooks,
	{Group: groupAdmission, Kind: "MutatingWebhookConfiguration"}:     (*walker).webhooks,
	{Group: groupAdmission, Kind: "ValidatingAdmissionPolicyBinding"}: (*walker).policyBinding,
	{Group: groupAdmission, Kind: "MutatingAdmissionPolicyBinding"}:   (*walker).policyBinding,
	{Group: "apiregistration.k8s.io", Kind: "APIService"}:             (*walker).apiService,
	{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}: (*walker).definition,
	{Group: "storage.k8s.io", Kind: "StorageClass"}:                   (*walker).storageClass,
	{Kind: "PersistentVolume"}:                                        (*walker).volume,
}
