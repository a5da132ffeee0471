package metrics

import "github.com/prometheus/client_golang/prometheus"

// newSecretUses counts decryptions and resolutions. Which file, store and key it
// was is in the log: as labels they would be a series each.
func newSecretUses() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tidelock_secret_uses_total", Help: "Number of decrypted files, opened SealedSecrets and fetched ExternalSecrets, by Application.",
	}, []string{"namespace", "name", "kind", "outcome"})
}

// SecretUsed counts a use of a secret, of a kind of package audit.
func (m *Metrics) SecretUsed(namespace, name, kind string, ok bool) {
	outcome := "success"
	if !ok {
		outcome = "failure"
	}
	m.secrets.WithLabelValues(namespace, name, kind, outcome).Inc()
}

// Forget drops the series of an Application that is gone.
func (m *Metrics) Forget(namespace, name string) {
	m.secrets.DeletePartialMatch(prometheus.Labels{"namespace": namespace, "name": name})
}
