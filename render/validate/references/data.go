package references

import (
	"strings"

	"github.com/tidelock-io/tidelock/render/manifest"
)

// keysOf returns the keys of a ConfigMap or Secret as it will be, and the listeners
// of a Gateway; nil if they are not known, for others fill it.
func keysOf(o *manifest.Object, body field) map[string]bool {
	keys := map[string]bool{}
	switch o.Key.GroupKind() {
	case kindConfigMap:
		for _, list := range []string{"data", "binaryData"} {
			add(keys, body.in(list).keys()...)
		}
	case kindSecret:
		for key := range o.Data() {
			keys[key] = true
		}
		if body.in("type").text() == typeToken {
			add(keys, "token", "ca.crt", "namespace")
		}
	case kindGateway:
		for _, listener := range body.each("spec", "listeners") {
			add(keys, listener.in("name").text())
		}
		if body.in("spec", "allowedListeners").there() {
			return nil
		}
	default:
		return nil
	}
	if len(keys) == 0 || filled(o) {
		return nil
	}
	return keys
}

func add(keys map[string]bool, more ...string) {
	for _, key := range more {
		keys[key] = true
	}
}

// fillers are annotations and labels, or prefixes of them, that make a controller
// add to an object's data.
var fillers = []string{
	"cert-manager.io/", "config.openshift.io/inject-trusted-cabundle", "kubed.appscode.com/", "reflector.v1.k8s.emberstack.com/reflects",
	"replicator.v1.mittwald.de/replicate-from", "secret-generator.v1.mittwald.de/", "service.beta.openshift.io/inject-cabundle",
	"service.alpha.openshift.io/inject-cabundle", "crossplane.io/", "secretgen.carvel.dev/image-pull-secret", "secrets.doppler.com/",
	"operator.1password.io/", "avp.kubernetes.io/", "vault.security.banzaicloud.io/",
}

func filled(o *manifest.Object) bool { return has(o.Annotations, fillers) || has(o.Labels, fillers) }

// has says whether a map has a key, or one that begins so.
func has(m map[string]string, prefixes []string) bool {
	for key := range m {
		for _, prefix := range prefixes {
			if strings.HasPrefix(key, prefix) {
				return true
			}
		}
	}
	return false
}

// certified says whether cert-manager, or its like, makes the certificates that an
// Ingress or a Gateway names.
func certified(o *manifest.Object) bool { return has(o.Annotations, certifiers) }

var certifiers = []string{
	"cert-manager.io/issuer", "cert-manager.io/cluster-issuer", "certmanager.k8s.io/", "kubernetes.io/tls-acme", "acme.cert-manager.io/",
	"cert.gardener.cloud/", "cert-manager.io/common-name",
}
