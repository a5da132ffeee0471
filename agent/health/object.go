package health

import (
	"fmt"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/tidelock-io/tidelock/agent/api"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Of judges a live object. It reads the object only.
func Of(object map[string]any) Health {
	u := &unstructured.Unstructured{Object: object}
	if u.GetDeletionTimestamp() != nil {
		return Health{api.HealthProgressing, "Pending deletion"}
	}
	if check, ok := checks[u.GroupVersionKind().GroupKind()]; ok {
		if verdict, ok := check(u); ok {
			return verdict
		}
	}
	return byKstatus(u)
}

// checks are the kinds that kstatus judges otherwise than Argo CD does. A check
// returns false to leave the object to kstatus.
var checks = map[schema.GroupKind]func(*unstructured.Unstructured) (Health, bool){
	{Group: "apps", Kind: "Deployment"}:                    deployment,
	{Group: "batch", Kind: "CronJob"}:                      cronJob,
	{Group: "batch", Kind: "Job"}:                          job,
	{Group: "", Kind: "Pod"}:                               pod,
	{Group: "networking.k8s.io", Kind: "Ingress"}:          always,
	{Group: "bitnami.com", Kind: "SealedSecret"}:           sealedSecret,
	{Group: "external-secrets.io", Kind: "SecretStore"}:    ready,
	{Group: "argoproj.io", Kind: "Application"}:            application,
	{Group: "argoproj.io", Kind: "AppProject"}:             always,
	{Group: "external-secrets.io", Kind: "PushSecret"}:     ready,
	{Group: "external-secrets.io", Kind: "ExternalSecret"}: ready,
}

func byKstatus(u *unstructured.Unstructured) Health {
	result, err := status.Compute(u)
	if err != nil {
		return Health{api.HealthUnknown, err.Error()}
	}
	switch result.Status {
	case status.CurrentStatus:
		return Healthy
	case status.FailedStatus:
		return Health{api.HealthDegraded, result.Message}
	case status.InProgressStatus, status.TerminatingStatus:
		return Health{api.HealthProgressing, result.Message}
	case status.NotFoundStatus:
		return Health{api.HealthMissing, result.Message}
	}
	return Health{api.HealthUnknown, result.Message}
}

func always(*unstructured.Unstructured) (Health, bool) { return Healthy, true }

func deployment(u *unstructured.Unstructured) (Health, bool) {
	paused, _, _ := unstructured.NestedBool(u.Object, "spec", "paused")
	return Health{api.HealthSuspended, "Deployment is paused"}, paused
}

func cronJob(u *unstructured.Unstructured) (Health, bool) {
	suspended, _, _ := unstructured.NestedBool(u.Object, "spec", "suspend")
	return Health{api.HealthSuspended, "CronJob is suspended"}, suspended
}

// job is Progressing until it is complete; kstatus calls a running Job current.
func job(u *unstructured.Unstructured) (Health, bool) {
	if c, ok := condition(u, "Failed"); ok && c.Status == "True" {
		return Health{api.HealthDegraded, c.Message}, true
	}
	if c, ok := condition(u, "Complete"); ok && c.Status == "True" {
		return Healthy, true
	}
	if c, ok := condition(u, "Suspended"); ok && c.Status == "True" {
		return Health{api.HealthSuspended, c.Message}, true
	}
	return Health{api.HealthProgressing, "Job is running"}, true
}

// pod is Progressing while it runs to its end; kstatus calls it current.
func pod(u *unstructured.Unstructured) (Health, bool) {
	policy, _, _ := unstructured.NestedString(u.Object, "spec", "restartPolicy")
	phase, _, _ := unstructured.NestedString(u.Object, "status", "phase")
	running := phase == "Running" && (policy == "Never" || policy == "OnFailure")
	return Health{api.HealthProgressing, "Pod is running"}, running
}

// ready follows the condition Ready: True, False with a reason, or not there yet.
func ready(u *unstructured.Unstructured) (Health, bool) { return byCondition(u, "Ready") }

func sealedSecret(u *unstructured.Unstructured) (Health, bool) { return byCondition(u, "Synced") }

func byCondition(u *unstructured.Unstructured, name string) (Health, bool) {
	c, ok := condition(u, name)
	switch {
	case !ok:
		return Health{api.HealthProgressing, fmt.Sprintf("waiting for condition %s", name)}, true
	case c.Status == "True":
		return Healthy, true
	case c.Status == "False":
		return Health{api.HealthDegraded, c.Message}, true
	}
	return Health{api.HealthProgressing, c.Message}, true
}

// application takes a child Application's own health: waves of Applications
// wait for each other (DESIGN.md 4).
func application(u *unstructured.Unstructured) (Health, bool) {
	code, _, _ := unstructured.NestedString(u.Object, "status", "health", "status")
	message, _, _ := unstructured.NestedString(u.Object, "status", "health", "message")
	if code == "" {
		return Health{api.HealthProgressing, "waiting for the first report"}, true
	}
	return Health{api.HealthCode(code), message}, true
}

type statusCondition struct{ Status, Message string }

func condition(u *unstructured.Unstructured, name string) (statusCondition, bool) {
	conditions, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
	for _, c := range conditions {
		m, _ := c.(map[string]any)
		if m["type"] == name {
			s, _ := m["status"].(string)
			text, _ := m["message"].(string)
			return statusCondition{s, text}, true
		}
	}
	return statusCondition{}, false
}
