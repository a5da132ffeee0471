package health

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/tidelock-io/tidelock/agent/api"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

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

// applicationSet has failed if a generator has, and is done when its Applications
// are as it states them.
func applicationSet(u *unstructured.Unstructured) (Health, bool) {
	if c, _ := condition(u, "ErrorOccurred"); c.Status == "True" {
		return Health{api.HealthDegraded, c.Message}, true
	}
	if c, _ := condition(u, "ResourcesUpToDate"); c.Status == "True" {
		return Healthy, true
	}
	return Health{api.HealthProgressing, "waiting for its Applications"}, true
}

// phases are the words of status.phase of Argo's other kinds.
var phases = map[string]api.HealthCode{
	"": api.HealthProgressing, "Pending": api.HealthProgressing, "Running": api.HealthProgressing, "Progressing": api.HealthProgressing,
	"Succeeded": api.HealthHealthy, "Successful": api.HealthHealthy, "Healthy": api.HealthHealthy,
	"Failed": api.HealthDegraded, "Error": api.HealthDegraded, "Degraded": api.HealthDegraded,
	"Paused": api.HealthSuspended,
}

// workflow goes by its phase.
func workflow(u *unstructured.Unstructured) (Health, bool) { return byPhase(u), true }

// analysis goes by its phase, too: an inconclusive one is Unknown.
func analysis(u *unstructured.Unstructured) (Health, bool) { return byPhase(u), true }

func byPhase(u *unstructured.Unstructured) Health {
	phase, message := text(u, "status", "phase"), text(u, "status", "message")
	code, ok := phases[phase]
	switch {
	case !ok:
		code = api.HealthUnknown
	case code == api.HealthHealthy:
		return Healthy
	}
	if message == "" {
		message = fmt.Sprintf("%s is %s", u.GetKind(), orNew(phase))
	}
	return Health{code, message}
}

func orNew(phase string) string {
	if phase == "" {
		return "not observed yet"
	}
	return fmt.Sprintf("%.40s", phase)
}

// cronWorkflow has failed if its workflows cannot be submitted.
func cronWorkflow(u *unstructured.Unstructured) (Health, bool) {
	suspended, _, _ := unstructured.NestedBool(u.Object, "spec", "suspend")
	if c, _ := condition(u, "SubmissionError"); c.Status == "True" {
		return Health{api.HealthDegraded, c.Message}, true
	}
	if suspended {
		return Health{api.HealthSuspended, "CronWorkflow is suspended"}, true
	}
	return Healthy, true
}

// rollout goes by its phase. Its observedGeneration is a text.
func rollout(u *unstructured.Unstructured) (Health, bool) {
	if c, ok := condition(u, "InvalidSpec"); ok && c.Status != "False" {
		return Health{api.HealthDegraded, c.Message}, true
	}
	seen, err := strconv.ParseInt(text(u, "status", "observedGeneration"), 10, 64)
	if err != nil || seen < u.GetGeneration() {
		return Health{api.HealthProgressing, "waiting for the rollout's spec to be observed"}, true
	}
	return byPhase(u), true
}
