package health

import (
	"github.com/tidelock-io/tidelock/agent/api"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// cronJob is Degraded if its last run has not succeeded, as far as the status can
// tell: while one runs, or before the first success, it cannot. One that is suspended is
// at rest, as Argo CD has it since 3.1: it does not make its Application Suspended.
func cronJob(u *unstructured.Unstructured) (Health, bool) {
	if suspended, _, _ := unstructured.NestedBool(u.Object, "spec", "suspend"); suspended {
		return Health{api.HealthHealthy, "CronJob is suspended"}, true
	}
	scheduled, succeeded := text(u, "status", "lastScheduleTime"), text(u, "status", "lastSuccessfulTime")
	running, _, _ := unstructured.NestedSlice(u.Object, "status", "active")
	// Both are RFC 3339 in UTC, whose order is that of their texts.
	if succeeded != "" && len(running) == 0 && succeeded < scheduled {
		return Health{api.HealthDegraded, "the last run has not succeeded"}, true
	}
	return Healthy, true
}
