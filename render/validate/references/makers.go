package references

import (
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// stands notes what controllers make because of an object.
func (c *cluster) stands(m *made) {
	if stand := stands[m.by.Key.GroupKind()]; stand != nil {
		stand(c, m)
	}
	c.copies(m)
	c.generates(m)
	c.makers.note(m)
}

// stands are kinds that stand for others, which are known by name, and mostly by
// their keys.
var stands = map[schema.GroupKind]func(*cluster, *made){
	{Group: "bitnami.com", Kind: "SealedSecret"}:                  sealed,
	{Group: "external-secrets.io", Kind: "ExternalSecret"}:        external,
	{Group: "external-secrets.io", Kind: "ClusterExternalSecret"}: clusterExternal,
	{Group: "kubernetes-client.io", Kind: "ExternalSecret"}:       namesake,
	{Group: "cert-manager.io", Kind: "Certificate"}:               certificate,
	{Group: "cert-manager.io", Kind: "Issuer"}:                    issuer,
	{Group: "trust.cert-manager.io", Kind: "Bundle"}:              bundle,
	kindProviderClass: providerClass,
	kindStatefulSet:   claimTemplates,
	kindService:       servingCertificate,
	{Group: "secrets.hashicorp.com", Kind: "VaultStaticSecret"}:  target("destination", "name"),
	{Group: "secrets.hashicorp.com", Kind: "VaultDynamicSecret"}: target("destination", "name"),
	{Group: "secrets.hashicorp.com", Kind: "VaultPKISecret"}:     target("destination", "name"),
	{Group: "secrets.hashicorp.com", Kind: "HCPVaultSecretsApp"}: target("destination", "name"),
	{Group: "ricoberger.de", Kind: "VaultSecret"}:                namesake,
	{Group: "redhatcop.redhat.io", Kind: "VaultSecret"}:          target("output", "name"),
	{Group: "onepassword.com", Kind: "OnePasswordItem"}:          namesake,
	{Group: "secrets.doppler.com", Kind: "DopplerSecret"}:        target("managedSecret", "name"),
	{Group: "secrets.infisical.com", Kind: "InfisicalSecret"}:    target("managedSecretReference", "secretName"),
	{Group: "k8s.bitwarden.com", Kind: "BitwardenSecret"}:        target("secretName"),
	{Group: "spv.no", Kind: "AzureKeyVaultSecret"}:               target("output", "secret", "name"),
	{Group: "kafka.strimzi.io", Kind: "KafkaUser"}:               namesake,
	{Group: "monitoring.coreos.com", Kind: "Prometheus"}:         operated("prometheus-operated"),
	{Group: "monitoring.coreos.com", Kind: "PrometheusAgent"}:    operated("prometheus-agent-operated"),
	{Group: "monitoring.coreos.com", Kind: "Alertmanager"}:       operated("alertmanager-operated"),
	{Group: "monitoring.coreos.com", Kind: "ThanosRuler"}:        operated("thanos-ruler-operated"),
	{Group: "serving.knative.dev", Kind: "Service"}:              func(c *cluster, m *made) { c.gives(m, kindService, m.by.Key.Name, nil) },
	{Group: "secretgenerator.mittwald.de", Kind: "StringSecret"}: namesake,
	{Group: "secretgenerator.mittwald.de", Kind: "BasicAuth"}:    namesake,
	{Group: "secretgenerator.mittwald.de", Kind: "SSHKeyPair"}:   namesake,
	{Group: "isindir.github.com", Kind: "SopsSecret"}:            sopsSecret,
}

// gives notes what a controller makes in the namespace of an object.
func (c *cluster) gives(by *made, kind schema.GroupKind, name string, keys map[string]bool) {
	c.givesIn(by, by.namespace, kind, name, keys)
}

func (c *cluster) givesIn(by *made, namespace string, kind schema.GroupKind, name string, keys map[string]bool) {
	if name != "" {
		c.add(kind, namespace, name, &made{by: by.by, part: by.part, namespace: namespace, keys: keys})
	}
}

// namesake makes the Secret of the same name.
func namesake(c *cluster, m *made) { c.gives(m, kindSecret, m.by.Key.Name, nil) }

// target makes the Secret that a field of spec names, in the namespace that stands
// beside it, or its own.
func target(path ...string) func(*cluster, *made) {
	return func(c *cluster, m *made) {
		at := m.body.in("spec").in(path[:len(path)-1]...)
		namespace := at.in("namespace").or(at.in("secretNamespace").or(m.namespace))
		c.givesIn(m, namespace, kindSecret, at.in(path[len(path)-1]).text(), nil)
	}
}

// operated makes a Service of a fixed name.
func operated(name string) func(*cluster, *made) {
	return func(c *cluster, m *made) { c.gives(m, kindService, name, nil) }
}

// sealed holds the keys in clear, and a template may add to them.
func sealed(c *cluster, m *made) {
	keys := map[string]bool{}
	add(keys, m.body.in("spec", "encryptedData").keys()...)
	add(keys, m.body.in("spec", "template", "data").keys()...)
	if m.body.in("spec", "data").there() || filled(m.by) {
		keys = nil // an old one, sealed as a whole
	}
	c.gives(m, kindSecret, m.by.Key.Name, keys)
}

func external(c *cluster, m *made) {
	spec := m.body.in("spec")
	c.externalSecret(m, m.namespace, spec, m.by.Key.Name)
}

// clusterExternal makes one in each namespace that it selects, which are not known.
func clusterExternal(c *cluster, m *made) {
	spec := m.body.in("spec", "externalSecretSpec")
	c.externalSecret(m, everyNamespace, spec, m.body.in("spec", "externalSecretName").or(m.by.Key.Name))
}

// externalSecret makes a Secret, or an object of another kind, unless it is told not
// to.
func (c *cluster) externalSecret(m *made, namespace string, spec field, name string) {
	target := spec.in("target")
	if target.in("creationPolicy").text() == "None" {
		return
	}
	kind := kindSecret
	if object := target.in("manifest"); object.there() {
		gv, err := schema.ParseGroupVersion(object.in("apiVersion").text())
		if err != nil {
			return
		}
		kind = gv.WithKind(object.in("kind").text()).GroupKind()
	}
	c.givesIn(m, namespace, kind, target.in("name").or(name), externalKeys(spec))
}

// externalKeys are those of the template, if there is one, and those that are
// fetched one by one. What is found, extracted, or comes of template files has keys
// that are not known.
func externalKeys(spec field) map[string]bool {
	template := spec.in("target", "template")
	policy := spec.in("target", "creationPolicy").text()
	if len(spec.each("dataFrom")) > 0 && !template.in("data").there() || template.in("templateFrom").there() || policy == "Merge" {
		return nil
	}
	keys := map[string]bool{}
	add(keys, template.in("data").keys()...)
	if len(keys) > 0 && template.in("mergePolicy").text() != "Merge" {
		return keys
	}
	if len(spec.each("dataFrom")) > 0 {
		return nil
	}
	for _, item := range spec.each("data") {
		add(keys, item.in("secretKey").text())
	}
	return keys
}

// certificate makes a Secret of a certificate and its key.
func certificate(c *cluster, m *made) {
	keys := map[string]bool{}
	add(keys, "tls.crt", "tls.key", "ca.crt", "keystore.jks", "truststore.jks", "keystore.p12", "truststore.p12", "tls-combined.pem", "key.der")
	c.gives(m, kindSecret, m.body.in("spec", "secretName").text(), keys)
}

// issuer keeps the key of its account.
func issuer(c *cluster, m *made) {
	c.gives(m, kindSecret, m.body.in("spec", "acme", "privateKeySecretRef", "name").text(), nil)
}

// bundle is copied into all namespaces, or some.
func bundle(c *cluster, m *made) {
	if m.body.in("spec", "target", "configMap").there() {
		c.givesIn(m, everyNamespace, kindConfigMap, m.by.Key.Name, nil)
	}
	if m.body.in("spec", "target", "secret").there() {
		c.givesIn(m, everyNamespace, kindSecret, m.by.Key.Name, nil)
	}
}

// providerClass makes Secrets while a pod mounts it.
func providerClass(c *cluster, m *made) {
	for _, object := range m.body.each("spec", "secretObjects") {
		keys := map[string]bool{}
		for _, item := range object.each("data") {
			add(keys, item.in("key").text())
		}
		c.gives(m, kindSecret, object.in("secretName").text(), keys)
	}
}

// sopsSecret holds several.
func sopsSecret(c *cluster, m *made) {
	for _, template := range m.body.each("spec", "secretTemplates") {
		c.gives(m, kindSecret, template.in("name").text(), nil)
	}
}

// claimTemplates make a claim for each pod. How many there will be is not known.
func claimTemplates(c *cluster, m *made) {
	replicas, ok := m.body.in("spec", "replicas").number()
	if !ok {
		replicas = 1
	}
	start, _ := m.body.in("spec", "ordinals", "start").number()
	for _, claim := range m.body.each("spec", "volumeClaimTemplates") {
		name := claim.in("metadata", "name").text() + "-" + m.by.Key.Name
		for n := start; n < start+min(replicas, maxOrdinals); n++ {
			c.gives(m, kindClaim, name+"-"+strconv.FormatInt(n, 10), nil)
		}
	}
}

// maxOrdinals bounds the claims that are counted for one StatefulSet.
const maxOrdinals = 100

// servingCertificate is OpenShift's.
func servingCertificate(c *cluster, m *made) {
	for _, name := range []string{"service.beta.openshift.io/serving-cert-secret-name", "service.alpha.openshift.io/serving-cert-secret-name"} {
		c.gives(m, kindSecret, m.by.Annotations[name], nil)
	}
}

// copiers are annotations that make a controller copy a ConfigMap or Secret into
// other namespaces.
var copiers = []string{
	"reflector.v1.k8s.emberstack.com/reflection-auto-enabled", "replicator.v1.mittwald.de/replicate-to", "kubed.appscode.com/sync",
	"config-syncer.appscode.com/sync", "cluster-secret.io/", "clustersecret.io/",
}

func (c *cluster) copies(m *made) {
	kind := m.by.Key.GroupKind()
	if (kind == kindSecret || kind == kindConfigMap) && has(m.by.Annotations, copiers) {
		c.givesIn(m, everyNamespace, kind, m.by.Key.Name, m.keys)
	}
	if m.by.Key.Kind == "ClusterSecret" { // of several operators
		c.givesIn(m, everyNamespace, kindSecret, m.by.Key.Name, nil)
	}
}

// generates is a policy of Kyverno that makes objects in namespaces.
func (c *cluster) generates(m *made) {
	if m.by.Key.Group != "kyverno.io" && m.by.Key.Group != "policies.kyverno.io" {
		return
	}
	for _, rule := range m.body.each("spec", "rules") {
		for _, generate := range append(rule.each("generate", "foreach"), rule.in("generate")) {
			gv, err := schema.ParseGroupVersion(generate.in("apiVersion").text())
			if err == nil {
				c.givesIn(m, everyNamespace, gv.WithKind(generate.in("kind").text()).GroupKind(), generate.in("name").text(), nil)
			}
		}
	}
}

// ownGroups are Kubernetes' own, of those with a dot.
var ownGroups = map[string]bool{
	groupAdmission: true, "apiextensions.k8s.io": true, "apiregistration.k8s.io": true, "authentication.k8s.io": true, "authorization.k8s.io": true,
	"certificates.k8s.io": true, "coordination.k8s.io": true, "discovery.k8s.io": true, "events.k8s.io": true, "flowcontrol.apiserver.k8s.io": true,
	"internal.apiserver.k8s.io": true, "metrics.k8s.io": true, "networking.k8s.io": true, "node.k8s.io": true, "rbac.authorization.k8s.io": true,
	"resource.k8s.io": true, "scheduling.k8s.io": true, "storage.k8s.io": true, "storagemigration.k8s.io": true,
}

func ownGroup(group string) bool { return !strings.Contains(group, ".") || ownGroups[group] }
