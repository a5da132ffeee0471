package references

import "k8s.io/apimachinery/pkg/runtime/schema"

// serviceAccount names the Secrets that pods get with it.
func (w *walker) serviceAccount(body field) {
	for _, list := range []string{"imagePullSecrets", "secrets"} {
		for _, ref := range body.each(list) {
			w.names(kindSecret, ref.in("name"))
		}
	}
}

// tokenSecret is for a ServiceAccount, without which it is deleted.
func (w *walker) tokenSecret(body field) {
	if body.in("type").text() == typeToken {
		w.names(kindServiceAccount, body.in("metadata", "annotations", "kubernetes.io/service-account.name"))
	}
}

const typeToken = "kubernetes.io/service-account-token"

// binding gives a role to ServiceAccounts.
func (w *walker) binding(body field) {
	kind := kindRole
	if body.in("roleRef", "kind").text() == "ClusterRole" {
		kind = kindClusterRole
	}
	w.names(kind, body.in("roleRef", "name"))
	for _, subject := range body.each("subjects") {
		if subject.in("kind").text() == "ServiceAccount" {
			w.namesIn(kindServiceAccount, subject.in("namespace").or(w.of.Key.Namespace), subject.in("name"))
		}
	}
}

// clientConfig is how the API server reaches a webhook.
func (w *walker) clientConfig(service field) {
	u := w.namesIn(kindService, service.in("namespace").text(), service.in("name"))
	if u.name == "" {
		return
	}
	if port := service.in("port"); port.there() {
		w.portOf(u, port)
		return
	}
	u.port, u.keyAt = int64(443), u.at
}

func (w *walker) webhooks(body field) {
	for _, hook := range body.each("webhooks") {
		w.clientConfig(hook.in("clientConfig", "service"))
	}
}

func (w *walker) apiService(body field) { w.clientConfig(body.in("spec", "service")) }

func (w *walker) definition(body field) {
	w.clientConfig(body.in("spec", "conversion", "webhook", "clientConfig", "service"))
}

func (w *walker) policyBinding(body field) {
	kind := schema.GroupKind{Group: groupAdmission, Kind: w.of.Key.Kind[:len(w.of.Key.Kind)-len("Binding")]}
	w.names(kind, body.in("spec", "policyName"))
}
