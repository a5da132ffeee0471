package health

import (
	"fmt"

	"github.com/tidelock-io/tidelock/agent/api"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// A statusCondition is one of status.conditions.
type statusCondition struct {
	Type, Status, Reason, Message string
	seen                          int64 // observedGeneration, 0 if it has none
}

// verdict is what a condition that ought to be True says.
func (c statusCondition) verdict() Health {
	switch c.Status {
	case "True":
		return Healthy
	case "False":
		return Health{api.HealthDegraded, c.text()}
	}
	return Health{api.HealthProgressing, c.text()}
}

// text is the condition's message, or else what it is.
func (c statusCondition) text() string {
	switch {
	case c.Message != "":
		return c.Message
	case c.Reason != "":
		return fmt.Sprintf("%s is %s: %s", c.Type, c.Status, c.Reason)
	}
	return fmt.Sprintf("%s is %s", c.Type, c.Status)
}

func condition(u *unstructured.Unstructured, name string) (statusCondition, bool) {
	return find(conditions(u), name)
}

func find(all []statusCondition, name string) (statusCondition, bool) {
	for _, c := range all {
		if c.Type == name {
			return c, true
		}
	}
	return statusCondition{}, false
}

func conditions(u *unstructured.Unstructured) []statusCondition {
	list, _, _ := unstructured.NestedFieldNoCopy(u.Object, "status", "conditions")
	return conditionsOf(list)
}

// conditionsOf reads a list of conditions, and passes over what is none.
func conditionsOf(list any) (all []statusCondition) {
	items, _ := list.([]any)
	for _, item := range items {
		m, _ := item.(map[string]any)
		var c statusCondition
		c.Type, _ = m["type"].(string)
		c.Status, _ = m["status"].(string)
		c.Reason, _ = m["reason"].(string)
		c.Message, _ = m["message"].(string)
		c.seen, _ = m["observedGeneration"].(int64)
		all = append(all, c)
	}
	return all
}

// ready follows the condition Ready: True, False with a reason, or not there yet.
func ready(u *unstructured.Unstructured) (Health, bool) { return byCondition(u, "Ready") }

func sealedSecret(u *unstructured.Unstructured) (Health, bool) { return byCondition(u, "Synced") }

func byCondition(u *unstructured.Unstructured, name string) (Health, bool) {
	c, ok := condition(u, name)
	if !ok {
		return Health{api.HealthProgressing, fmt.Sprintf("waiting for condition %s", name)}, true
	}
	return c.verdict(), true
}

// Conditions that controllers of all kinds share: those that are wrong if True,
// and those that say that work goes on if True.
var (
	broken  = []string{"Stalled", "Failed", "Degraded"}
	working = []string{"Reconciling", "Progressing"}
)

// good are those that ought to be True, of which the first that is there counts,
// and what they mean if False.
var good = []struct {
	name string
	not  api.HealthCode
}{
	{"Ready", api.HealthProgressing}, {"Available", api.HealthProgressing}, {"Healthy", api.HealthDegraded},
	{"Succeeded", api.HealthDegraded}, {"Complete", api.HealthProgressing}, {"Completed", api.HealthProgressing},
}

// byConditions judges an object of a kind that is not known by what most
// controllers agree on. What is not Ready yet is Progressing: only a controller
// that says so has given up. An object without any of these conditions cannot be
// judged.
func byConditions(u *unstructured.Unstructured) Health {
	if seen, ok, _ := unstructured.NestedInt64(u.Object, "status", "observedGeneration"); ok && seen < u.GetGeneration() {
		return Health{api.HealthProgressing, fmt.Sprintf("%s generation is %d, but latest observed generation is %d", u.GetKind(), u.GetGeneration(), seen)}
	}
	all := conditions(u)
	for _, name := range broken {
		if c, _ := find(all, name); c.Status == "True" {
			return Health{api.HealthDegraded, c.text()}
		}
	}
	if c, _ := find(all, "Synced"); c.Status == "False" && c.Reason == "ReconcileError" { // of Crossplane's composites
		return Health{api.HealthDegraded, c.text()}
	}
	for _, g := range good {
		c, ok := find(all, g.name)
		switch {
		case !ok:
		case c.seen != 0 && c.seen < u.GetGeneration():
			return Health{api.HealthProgressing, fmt.Sprintf("waiting for condition %s of generation %d", g.name, u.GetGeneration())}
		case c.Status == "False":
			return Health{g.not, c.text()}
		case c.Status != "True":
			return Health{api.HealthProgressing, c.text()}
		case g.name == "Ready":
			return Healthy
		default:
			return atWork(all, Healthy)
		}
	}
	return atWork(all, Health{})
}

// atWork is Progressing if a condition says that work goes on, or else what it is
// given. A Deployment's Progressing, which others imitate, stays True when all is
// done.
func atWork(all []statusCondition, or Health) Health {
	for _, name := range working {
		if c, _ := find(all, name); c.Status == "True" && c.Reason != "NewReplicaSetAvailable" {
			return Health{api.HealthProgressing, c.text()}
		}
	}
	return or
}
