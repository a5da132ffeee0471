package health

import (
	"fmt"
	"slices"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/tidelock-io/tidelock/agent/api"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Of judges a live object. It reads the object only.
func Of(object map[string]any) Health {
	u := &unstructured.Unstructured{Object: object}
	// A hook that is deleted while it runs stays, by our finalizer, until its
	// outcome was seen.
	if u.GetDeletionTimestamp() != nil && !slices.Contains(u.GetFinalizers(), api.FinalizerHook) {
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
	{Group: "apps", Kind: "Deployment"}:                           deployment,
	{Group: "apps", Kind: "DaemonSet"}:                            daemonSet,
	{Group: "apps", Kind: "ReplicaSet"}:                           replicaSet,
	{Group: "batch", Kind: "CronJob"}:                             cronJob,
	{Group: "batch", Kind: "Job"}:                                 job,
	{Kind: "Pod"}:                                                 pod,
	{Kind: "PersistentVolumeClaim"}:                               claim,
	{Kind: "Service"}:                                             service,
	{Group: "networking.k8s.io", Kind: "Ingress"}:                 always,
	{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}:       autoscaler,
	{Group: "apiregistration.k8s.io", Kind: "APIService"}:         apiService,
	{Group: "bitnami.com", Kind: "SealedSecret"}:                  sealedSecret,
	{Group: "external-secrets.io", Kind: "ExternalSecret"}:        ready,
	{Group: "external-secrets.io", Kind: "ClusterExternalSecret"}: ready,
	{Group: "external-secrets.io", Kind: "SecretStore"}:           ready,
	{Group: "external-secrets.io", Kind: "ClusterSecretStore"}:    ready,
	{Group: "external-secrets.io", Kind: "PushSecret"}:            ready,
	{Group: "argoproj.io", Kind: "Application"}:                   application,
	{Group: "argoproj.io", Kind: "AppProject"}:                    always,
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

// daemonSet with update strategy OnDelete does not update by itself.
func daemonSet(u *unstructured.Unstructured) (Health, bool) {
	return Healthy, text(u, "spec", "updateStrategy", "type") == "OnDelete" && observed(u)
}

func observed(u *unstructured.Unstructured) bool {
	seen, _, _ := unstructured.NestedInt64(u.Object, "status", "observedGeneration")
	return seen >= u.GetGeneration()
}

func replicaSet(u *unstructured.Unstructured) (Health, bool) {
	c, _ := condition(u, "ReplicaFailure")
	return Health{api.HealthDegraded, c.Message}, c.Status == "True" && observed(u)
}

func claim(u *unstructured.Unstructured) (Health, bool) {
	return Health{api.HealthDegraded, "PersistentVolumeClaim has lost its volume"}, text(u, "status", "phase") == "Lost"
}

// service of type LoadBalancer is Progressing until it has an address.
func service(u *unstructured.Unstructured) (Health, bool) {
	addresses, _, _ := unstructured.NestedSlice(u.Object, "status", "loadBalancer", "ingress")
	return Health{api.HealthProgressing, "waiting for the load balancer"},
		text(u, "spec", "type") == "LoadBalancer" && len(addresses) == 0
}

// autoscaler takes the first condition that says anything, as Argo CD does.
func autoscaler(u *unstructured.Unstructured) (Health, bool) {
	for _, c := range conditions(u) {
		switch {
		case c.Type == "AbleToScale" && (c.Reason == "FailedGetScale" || c.Reason == "FailedUpdateScale"),
			c.Type == "ScalingActive" && (c.Reason == "FailedGetResourceMetric" || c.Reason == "InvalidSelector"):
			return Health{api.HealthDegraded, c.Message}, true
		case (c.Type == "AbleToScale" || c.Type == "ScalingLimited") && c.Status == "True":
			return Healthy, true
		}
	}
	return Health{api.HealthProgressing, "waiting to autoscale"}, true
}

func apiService(u *unstructured.Unstructured) (Health, bool) {
	c, _ := condition(u, "Available")
	if c.Status == "True" {
		return Healthy, true
	}
	return Health{api.HealthProgressing, c.Message}, true
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
	h := Health{api.HealthCode(text(u, "status", "health", "status")), text(u, "status", "health", "message")}
	switch {
	case h.Code == "":
		return Health{api.HealthProgressing, "waiting for the first report"}, true
	case !slices.Contains(order, h.Code):
		return Health{api.HealthUnknown, fmt.Sprintf("no such health: %.40q", h.Code)}, true
	}
	return h, true
}

type statusCondition struct{ Type, Status, Reason, Message string }

func condition(u *unstructured.Unstructured, name string) (statusCondition, bool) {
	for _, c := range conditions(u) {
		if c.Type == name {
			return c, true
		}
	}
	return statusCondition{}, false
}

func conditions(u *unstructured.Unstructured) (all []statusCondition) {
	list, _, _ := unstructured.NestedFieldNoCopy(u.Object, "status", "conditions")
	items, _ := list.([]any)
	for _, item := range items {
		m, _ := item.(map[string]any)
		var c statusCondition
		c.Type, _ = m["type"].(string)
		c.Status, _ = m["status"].(string)
		c.Reason, _ = m["reason"].(string)
		c.Message, _ = m["message"].(string)
		all = append(all, c)
	}
	return all
}

// text returns a string field, "" if it is not there.
func text(u *unstructured.Unstructured, path ...string) string {
	s, _, _ := unstructured.NestedString(u.Object, path...)
	return s
}
