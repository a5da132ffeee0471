package health

import (
	"github.com/tidelock-io/tidelock/agent/api"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// flux goes by Ready; what is not Ready while it reconciles has not failed. Some
// kinds have no status at all.
func flux(u *unstructured.Unstructured) (Health, bool) {
	if suspended, _, _ := unstructured.NestedBool(u.Object, "spec", "suspend"); suspended {
		return Health{api.HealthSuspended, u.GetKind() + " is suspended"}, true
	}
	switch kind := u.GetKind(); {
	case (kind == "Alert" || kind == "Provider" || kind == "HelmRepository" && text(u, "spec", "type") == "oci") && len(conditions(u)) == 0:
		return Health{}, true
	case !observed(u):
		return Health{api.HealthProgressing, kind + " is not observed yet"}, true
	}
	if c, _ := condition(u, "Stalled"); c.Status == "True" {
		return Health{api.HealthDegraded, c.text()}, true
	}
	if c, _ := condition(u, "Reconciling"); c.Status == "True" {
		return Health{api.HealthProgressing, c.text()}, true
	}
	return ready(u)
}

// knative goes by Ready, which is Unknown while work goes on. Not all of its kinds
// have it.
func knative(u *unstructured.Unstructured) (Health, bool) {
	c, ok := condition(u, "Ready")
	if !ok || !observed(u) {
		return Health{}, false
	}
	return c.verdict(), true
}

// crossplane has Synced, which says whether the object could be sent, and Ready,
// which says what became of it; packages have Installed and Healthy.
func crossplane(u *unstructured.Unstructured) (Health, bool) {
	if c, _ := condition(u, "Synced"); c.Status == "False" {
		return Health{api.HealthDegraded, c.text()}, true
	}
	for _, name := range []string{"Installed", "Healthy", "Ready"} {
		c, ok := condition(u, name)
		switch {
		case !ok || c.Status == "True":
		case c.Status == "False" && (name != "Ready" || c.Reason == "Unavailable"):
			return Health{api.HealthDegraded, c.text()}, true
		default: // such as Creating and Deleting
			return Health{api.HealthProgressing, c.text()}, true
		}
	}
	return Health{}, false
}
