package health

import (
	"github.com/tidelock-io/tidelock/agent/api"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// certificate is Progressing while it is issued, the first time or anew.
func certificate(u *unstructured.Unstructured) (Health, bool) {
	if c, _ := condition(u, "Issuing"); c.Status == "True" {
		return Health{api.HealthProgressing, c.text()}, true
	}
	return ready(u)
}

// certificateRequest is not Ready while it is pending, which is no failure.
func certificateRequest(u *unstructured.Unstructured) (Health, bool) {
	for _, name := range []string{"InvalidRequest", "Denied"} {
		if c, _ := condition(u, name); c.Status == "True" {
			return Health{api.HealthDegraded, c.text()}, true
		}
	}
	if c, _ := condition(u, "Ready"); c.Status == "False" && c.Reason == "Pending" {
		return Health{api.HealthProgressing, c.text()}, true
	}
	return ready(u)
}

// acme goes by the state that RFC 8555 gives to orders and challenges.
func acme(u *unstructured.Unstructured) (Health, bool) {
	reason := text(u, "status", "reason")
	switch state := text(u, "status", "state"); state {
	case "valid":
		return Healthy, true
	case "invalid", "expired", "errored":
		if reason == "" {
			reason = u.GetKind() + " is " + state
		}
		return Health{api.HealthDegraded, reason}, true
	}
	if reason == "" {
		reason = u.GetKind() + " is pending"
	}
	return Health{api.HealthProgressing, reason}, true
}
