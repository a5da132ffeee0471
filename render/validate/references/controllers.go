package references

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// makers are what may make objects at run time that nothing here names: operators,
// which are known by their custom objects, and controllers that have the right to.
type makers struct {
	// custom are the names of objects of kinds whose controllers may make anything, by
	// namespace, "" for those that have none.
	custom map[string]map[string]bool
	// mentions are the texts of such objects, and reaches those of the ones that live
	// in no namespace: they name the namespaces that they act on.
	mentions, reaches map[string]bool
	// deploys are namespaces into which such objects bring whole applications;
	// everyNamespace for all.
	deploys map[string]bool
	// writes are the resources that a workload may create in a namespace.
	writes map[string]map[string]bool

	roles    []*made
	bindings []*made
	runs     map[place]bool // ServiceAccounts of workloads
}

func newMakers() makers {
	return makers{custom: map[string]map[string]bool{}, mentions: map[string]bool{}, reaches: map[string]bool{}, deploys: map[string]bool{}, writes: map[string]map[string]bool{}, runs: map[place]bool{}}
}

// inert are groups whose objects make no pods, Services, Secrets or ConfigMaps, but
// those that makers.go knows; with a kind, only that.
var inert = map[string]bool{
	groupGateway: true, "monitoring.coreos.com": true, "keda.sh": true, "autoscaling.k8s.io": true, "snapshot.storage.k8s.io": true,
	"networking.istio.io": true, "security.istio.io": true, "telemetry.istio.io": true, "policy.linkerd.io": true, "linkerd.io": true,
	"traefik.io": true, "traefik.containo.us": true, "projectcontour.io": true, "configuration.konghq.com": true, "gateway.envoyproxy.io": true,
	"external-secrets.io": true, "bitnami.com": true, "cert-manager.io": true, "acme.cert-manager.io": true, "trust.cert-manager.io": true,
	"secrets-store.csi.x-k8s.io": true, "secrets.hashicorp.com": true, "kyverno.io": true, "policies.kyverno.io": true, "wgpolicyk8s.io": true,
	"templates.gatekeeper.sh": true, "constraints.gatekeeper.sh": true, "cilium.io": true, "crd.projectcalico.org": true, "projectcalico.org": true,
	"metallb.io": true, "karpenter.sh": true, "karpenter.k8s.aws": true, "velero.io": true, "policy.networking.k8s.io": true,
	"elbv2.k8s.aws": true, "networking.gke.io": true, "cloud.google.com": true, "vpcresources.k8s.aws": true, "externaldns.k8s.io": true,
	"argoproj.io/Rollout": true, "argoproj.io/AppProject": true, "argoproj.io/Application": true, "argoproj.io/ApplicationSet": true,
	"argoproj.io/AnalysisTemplate": true, "argoproj.io/ClusterAnalysisTemplate": true, "kafka.strimzi.io/KafkaUser": true, "kafka.strimzi.io/KafkaTopic": true,
	"notification.toolkit.fluxcd.io": true, "source.toolkit.fluxcd.io": true, "image.toolkit.fluxcd.io": true,
}

// running kinds are of an inert group, and have pods.
var running = map[schema.GroupKind]bool{
	{Group: "monitoring.coreos.com", Kind: "Prometheus"}: true, {Group: "monitoring.coreos.com", Kind: "PrometheusAgent"}: true,
	{Group: "monitoring.coreos.com", Kind: "Alertmanager"}: true, {Group: "monitoring.coreos.com", Kind: "ThanosRuler"}: true,
	{Group: "gateway.envoyproxy.io", Kind: "EnvoyProxy"}: true,
}

// deployers bring whole applications, into the namespace that a field of spec
// names, or else their own.
var deployers = map[schema.GroupKind]string{
	{Group: "helm.toolkit.fluxcd.io", Kind: "HelmRelease"}:         "targetNamespace",
	{Group: "kustomize.toolkit.fluxcd.io", Kind: "Kustomization"}:  "",
	{Group: "helm.cattle.io", Kind: "HelmChart"}:                   "targetNamespace",
	{Group: "k3s.cattle.io", Kind: "Addon"}:                        "",
	{Group: "fleet.cattle.io", Kind: "GitRepo"}:                    "",
	{Group: "fleet.cattle.io", Kind: "Bundle"}:                     "",
	{Group: "kappctrl.k14s.io", Kind: "App"}:                       "",
	{Group: "packaging.carvel.dev", Kind: "PackageInstall"}:        "",
	{Group: "core.oam.dev", Kind: "Application"}:                   "",
	{Group: "operators.coreos.com", Kind: "Subscription"}:          "namespace",
	{Group: "operator.tigera.io", Kind: "Installation"}:            "",
	{Group: "addons.cluster.x-k8s.io", Kind: "ClusterResourceSet"}: "",
}

// note remembers what may make others.
func (m *makers) note(one *made) {
	kind := one.by.Key.GroupKind()
	switch kind {
	case kindRole, kindClusterRole:
		m.roles = append(m.roles, one)
	case schema.GroupKind{Group: kindRole.Group, Kind: "RoleBinding"}, schema.GroupKind{Group: kindRole.Group, Kind: "ClusterRoleBinding"}:
		m.bindings = append(m.bindings, one)
	}
	if template, ok := templateOf(one.by, one.body); ok {
		spec := template.in("spec")
		m.runs[place{kindServiceAccount, one.namespace, spec.in("serviceAccountName").or(spec.in("serviceAccount").or("default"))}] = true
	}
	if into, ok := deployers[kind]; ok {
		m.deploy(one, into)
		return
	}
	_, isStand := stands[kind]
	if isInert := inert[kind.Group] || inert[kind.Group+"/"+kind.Kind] || isStand; ownGroup(kind.Group) || isInert && !running[kind] {
		return
	}
	if m.custom[one.namespace] == nil {
		m.custom[one.namespace] = map[string]bool{}
	}
	m.custom[one.namespace][one.by.Key.Name] = true
	one.body.in("spec").strings(func(text string) {
		if len(text) > 253 {
			return
		}
		if m.mentions[text] = true; one.namespace == "" {
			m.reaches[text] = true
		}
	})
}

func (m *makers) deploy(one *made, into string) {
	namespace := everyNamespace
	if into != "" {
		namespace = one.body.in("spec", into).or(one.namespace)
	}
	m.deploys[namespace] = true
}

// may says whether something may make an object at run time; without a name any of
// its kind.
func (m *makers) may(kind schema.GroupKind, namespace, name string) bool {
	if m.deploys[namespace] || m.deploys[everyNamespace] || m.mentions[name] || m.reaches[namespace] {
		return true
	}
	if writes := m.writes[namespace]; writes["*"] || slices.ContainsFunc(resources[kind], func(resource string) bool { return writes[resource] }) {
		return true
	}
	if name == "" {
		return len(m.custom[namespace]) > 0
	}
	return related(name, m.custom[namespace]) || related(name, m.custom[""])
}

// related says whether a name has that of a custom object in it, as a whole:
// orders-db-app that of orders-db.
func related(name string, customs map[string]bool) bool {
	if len(customs) == 0 {
		return false
	}
	var ends []int
	for i := 0; i <= len(name); i++ {
		if i == len(name) || name[i] == '-' || name[i] == '.' {
			ends = append(ends, i)
		}
	}
	from := 0
	for i, end := range ends {
		for _, to := range ends[i:] {
			if customs[name[from:to]] {
				return true
			}
		}
		from = end + 1
	}
	return false
}
