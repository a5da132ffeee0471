package metrics

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// notifications are those of Argo CD's notifications controller. Triggers and services
// are named by whoever writes Applications.
type notifications struct {
	deliveries, evaluations *prometheus.CounterVec
	triggers, services      *bounded
}

// maxNamed is how many triggers, and services, are told apart.
const maxNamed = 100

func newNotifications() *notifications {
	return &notifications{
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "argocd_notifications_deliveries_total", Help: "Number of delivered notifications.",
		}, []string{"trigger", "service", "succeeded"}),
		evaluations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "argocd_notifications_trigger_eval_total", Help: "Number of trigger evaluations.",
		}, []string{"name", "triggered"}),
		triggers: newBounded(maxNamed), services: newBounded(maxNamed),
	}
}

func (n *notifications) collectors() []prometheus.Collector {
	return []prometheus.Collector{n.deliveries, n.evaluations}
}

// Evaluated counts a condition of a trigger, and whether it held.
func (m *Metrics) Evaluated(trigger string, holds bool) {
	m.notifications.evaluations.WithLabelValues(m.notifications.triggers.of(clipped(trigger)), strconv.FormatBool(holds)).Inc()
}

// Delivered counts a message that was sent, or could not be.
func (m *Metrics) Delivered(trigger, service string, ok bool) {
	n := m.notifications
	n.deliveries.WithLabelValues(n.triggers.of(clipped(trigger)), n.services.of(clipped(service)), strconv.FormatBool(ok)).Inc()
}
