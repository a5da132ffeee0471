package references

import "strings"

// statefulSet names its Service, and the classes of its claims.
func (w *walker) statefulSet(body field) {
	w.names(kindService, body.in("spec", "serviceName"))
	for _, claim := range body.each("spec", "volumeClaimTemplates") {
		w.names(kindStorageClass, claim.in("spec", "storageClassName"))
	}
}

// claim names a class, and the claim that it is a copy of.
func (w *walker) claim(body field) {
	spec := body.in("spec")
	w.names(kindStorageClass, spec.in("storageClassName"))
	for _, name := range []string{"dataSource", "dataSourceRef"} {
		if ref := spec.in(name); ref.in("kind").text() == kindClaim.Kind && ref.in("apiGroup").text() == "" {
			w.namesIn(kindClaim, ref.in("namespace").or(w.of.Key.Namespace), ref.in("name"))
		}
	}
}

// volume names Secrets for its driver, and its class.
func (w *walker) volume(body field) {
	spec := body.in("spec")
	for _, name := range []string{"nodePublishSecretRef", "nodeStageSecretRef", "nodeExpandSecretRef", "controllerPublishSecretRef", "controllerExpandSecretRef"} {
		if ref := spec.in("csi", name); ref.in("namespace").text() != "" {
			w.namesIn(kindSecret, ref.in("namespace").text(), ref.in("name"))
		}
	}
	w.names(kindStorageClass, spec.in("storageClassName"))
}

// storageClass names the Secrets of its driver among its parameters.
func (w *walker) storageClass(body field) {
	parameters := body.in("parameters")
	for _, key := range parameters.keys() {
		kind, ok := strings.CutSuffix(key, "-secret-name")
		namespace := parameters.in(kind + "-secret-namespace").text()
		if ok && strings.HasPrefix(kind, "csi.storage.k8s.io/") && isName(namespace) {
			w.namesIn(kindSecret, namespace, parameters.in(key))
		}
	}
}
