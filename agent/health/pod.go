package health

import (
	"fmt"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// pod judges as Argo CD does. Kstatus would ask the clock how long a Pod may
// wait for a node, and takes one that failed as done.
func pod(u *unstructured.Unstructured) (Health, bool) {
	if reason := stuck(u); reason != "" {
		return Health{api.HealthDegraded, reason}, true
	}
	switch phase := text(u, "status", "phase"); phase {
	case "Succeeded":
		return Healthy, true
	case "Failed":
		return Health{api.HealthDegraded, failure(u)}, true
	case "Running":
		return running(u), true
	default:
		message := "Pod is not observed yet"
		if c, ok := condition(u, "PodScheduled"); ok && c.Status == "False" {
			message = c.Message
		} else if phase != "" {
			message = "Pod is " + strings.ToLower(phase)
		}
		return Health{api.HealthProgressing, message}, true
	}
}

// forGood says that a Pod is not meant to end.
func forGood(u *unstructured.Unstructured) bool {
	policy := text(u, "spec", "restartPolicy")
	return policy == "" || policy == "Always" || u.GetAnnotations()[api.AnnotationIgnoreRestartPolicy] == "true"
}

// running judges a Pod that runs: for good, or to its end.
func running(u *unstructured.Unstructured) Health {
	if !forGood(u) {
		return Health{api.HealthProgressing, "Pod is running"}
	}
	if c, _ := condition(u, "Ready"); c.Status == "True" {
		return Healthy
	}
	for _, c := range containers(u, "containerStatuses") {
		if last, _, _ := unstructured.NestedMap(c, "lastState", "terminated"); last != nil {
			return Health{api.HealthDegraded, fmt.Sprintf("container %v was restarted and is not ready", c["name"])}
		}
	}
	return Health{api.HealthProgressing, "Pod is not ready"}
}

// stuck returns why a container of a Pod that runs for good cannot start.
func stuck(u *unstructured.Unstructured) string {
	if !forGood(u) {
		return ""
	}
	for _, list := range []string{"initContainerStatuses", "containerStatuses"} {
		for _, c := range containers(u, list) {
			reason, _, _ := unstructured.NestedString(c, "state", "waiting", "reason")
			message, _, _ := unstructured.NestedString(c, "state", "waiting", "message")
			if strings.HasPrefix(reason, "Err") || strings.HasSuffix(reason, "Error") || strings.HasSuffix(reason, "BackOff") {
				return strings.TrimSuffix(fmt.Sprintf("container %v: %s: %s", c["name"], reason, message), ": ")
			}
		}
	}
	return ""
}

// failure words why a Pod failed.
func failure(u *unstructured.Unstructured) string {
	if message := text(u, "status", "message"); message != "" {
		return message
	}
	for _, list := range []string{"initContainerStatuses", "containerStatuses"} {
		for _, c := range containers(u, list) {
			code, _, _ := unstructured.NestedInt64(c, "state", "terminated", "exitCode")
			if code != 0 {
				return fmt.Sprintf("container %v ended with exit code %d", c["name"], code)
			}
		}
	}
	return "Pod failed"
}

func containers(u *unstructured.Unstructured, list string) (all []map[string]any) {
	field, _, _ := unstructured.NestedFieldNoCopy(u.Object, "status", list)
	items, _ := field.([]any)
	for _, item := range items {
		if c, ok := item.(map[string]any); ok {
			all = append(all, c)
		}
	}
	return all
}
