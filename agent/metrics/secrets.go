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

// newDrifts counts objects that were seen to depart from what was applied.
func newDrifts() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tidelock_app_drifts_total", Help: "Number of times that an object of an Application was seen to depart from what was applied.",
	}, []string{"namespace", "name"})
}

// Drifted counts a drift of an Application's object.
func (m *Metrics) Drifted(namespace, name string) { m.drifts.WithLabelValues(namespace, name).Inc() }

// newWebhooks counts what came to the webhook.
func newWebhooks() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tidelock_webhooks_total", Help: "Number of requests to the webhook, by who seems to have sent them and what became of them.",
	}, []string{"provider", "outcome"})
}

// Webhook counts a request to the webhook. Both texts are of a few constants.
func (m *Metrics) Webhook(provider, outcome string) {
	m.webhooks.WithLabelValues(provider, outcome).Inc()
}
