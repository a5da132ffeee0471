package references

import (
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// service selects pods. One of them must have the ports that it calls by name.
func (w *walker) service(body field) {
	spec := body.in("spec")
	if len(spec.in("selector").keys()) == 0 || spec.in("type").text() == "ExternalName" {
		return
	}
	s := w.selects(kindPod, spec.in("selector"), equalities(spec.in("selector")))
	for _, port := range spec.each("ports") {
		if target := port.in("targetPort"); target.text() != "" {
			s.ports = append(s.ports, target)
		}
	}
}

// ingress names Services, Secrets with certificates, and a class.
func (w *walker) ingress(body field) {
	spec := body.in("spec")
	w.names(kindIngressClass, spec.in("ingressClassName"))
	w.backend(spec.in("defaultBackend", "service"))
	for _, rule := range spec.each("rules") {
		for _, path := range rule.each("http", "paths") {
			w.backend(path.in("backend", "service"))
		}
	}
	if !certified(w.of) {
		for _, tls := range spec.each("tls") {
			w.names(kindSecret, tls.in("secretName"))
		}
	}
	for _, annotation := range ingressSecrets {
		f := body.in("metadata", "annotations", annotation)
		if namespace, name, ok := strings.Cut(f.text(), "/"); ok {
			w.namesIn(kindSecret, namespace, field{f.path, name})
		} else {
			w.names(kindSecret, f)
		}
	}
}

// ingressSecrets are annotations of controllers that name a Secret.
var ingressSecrets = []string{
	"nginx.ingress.kubernetes.io/auth-secret", "nginx.ingress.kubernetes.io/auth-tls-secret", "nginx.ingress.kubernetes.io/proxy-ssl-secret",
}

// backend is a Service of an Ingress. The load balancer controller of AWS has
// backends of its own, which annotations describe.
func (w *walker) backend(service field) {
	port := service.in("port", "name")
	if port.text() == "use-annotation" {
		return
	}
	if port.text() == "" {
		port = service.in("port", "number")
	}
	w.portOf(w.names(kindService, service.in("name")), port)
}

func (w *walker) portOf(u *use, port field) {
	if port.there() {
		u.port, u.keyAt = port.value, port.path
	}
}

// route is one of the Gateway API.
func (w *walker) route(body field) {
	spec := body.in("spec")
	for _, parent := range spec.each("parentRefs") {
		w.parent(parent)
	}
	for _, rule := range spec.each("rules") {
		for _, backend := range rule.each("backendRefs") {
			w.backendRef(backend)
			w.filters(backend)
		}
		w.filters(rule)
	}
}

// parent is what a route hangs on.
func (w *walker) parent(ref field) {
	kind := schema.GroupKind{Group: ref.in("group").or(groupGateway), Kind: ref.in("kind").or("Gateway")}
	namespace := ref.in("namespace").or(w.of.Key.Namespace)
	switch kind {
	case kindGateway:
		u := w.namesIn(kind, namespace, ref.in("name"))
		u.key, u.keyAt = ref.in("sectionName").text(), ref.in("sectionName").path
	case kindService, schema.GroupKind{Group: groupGateway, Kind: "Service"}:
		w.namesIn(kindService, namespace, ref.in("name"))
	}
}

// backendRef is a Service, or something that only its controller knows.
func (w *walker) backendRef(ref field) {
	if ref.in("group").text() == "" && ref.in("kind").or("Service") == "Service" {
		w.portOf(w.namesIn(kindService, ref.in("namespace").or(w.of.Key.Namespace), ref.in("name")), ref.in("port"))
	}
}

func (w *walker) filters(f field) {
	for _, filter := range f.each("filters") {
		w.backendRef(filter.in("requestMirror", "backendRef"))
	}
}

// gateway names a class, and Secrets with certificates.
func (w *walker) gateway(body field) {
	spec := body.in("spec")
	w.names(kindGatewayClass, spec.in("gatewayClassName"))
	for _, listener := range spec.each("listeners") {
		for _, ref := range listener.each("tls", "certificateRefs") {
			if ref.in("group").text() == "" && ref.in("kind").or("Secret") == "Secret" && !certified(w.of) {
				w.namesIn(kindSecret, ref.in("namespace").or(w.of.Key.Namespace), ref.in("name"))
			}
		}
	}
}

// networkPolicy selects the pods that it is for, and their peers in its own
// namespace.
func (w *walker) networkPolicy(body field) {
	spec := body.in("spec")
	w.selectsPods(spec.in("podSelector"))
	for _, direction := range []struct{ rules, peers string }{{"ingress", "from"}, {"egress", "to"}} {
		for _, rule := range spec.each(direction.rules) {
			for _, peer := range rule.each(direction.peers) {
				if !peer.in("namespaceSelector").there() {
					w.selectsPods(peer.in("podSelector"))
				}
			}
		}
	}
}

// selectsPods is a label selector for pods of the object's namespace. One that is
// empty is for all, also for none.
func (w *walker) selectsPods(f field) {
	if s, ok := labelSelector(f); ok && len(s) > 0 {
		w.selects(kindPod, f, s).quiet = true
	}
}

func (w *walker) selects(kind schema.GroupKind, f field, s selector) *choice {
	w.choices = append(w.choices, choice{of: w.of, at: f.path, kind: kind, selector: s, namespaces: []string{w.of.Key.Namespace}})
	return &w.choices[len(w.choices)-1]
}
