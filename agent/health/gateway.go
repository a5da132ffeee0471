package health

import (
	"fmt"

	"github.com/tidelock-io/tidelock/agent/api"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func gatewayClass(u *unstructured.Unstructured) (Health, bool) { return byCondition(u, "Accepted") }

// gateway is judged by its own conditions, then by those of its listeners.
func gateway(u *unstructured.Unstructured) (Health, bool) {
	own := conditions(u)
	if len(own) == 0 {
		return Health{api.HealthProgressing, "waiting for a controller to take the Gateway on"}, true
	}
	if h := attached(u, own); h != Healthy {
		return h, true
	}
	for _, l := range maps(u, "listeners") {
		if h := attached(u, conditionsOf(l["conditions"])); h != Healthy {
			return Health{h.Code, fmt.Sprintf("listener %v: %s", l["name"], h.Message)}, true
		}
	}
	return Healthy, true
}

// route is judged by each parent that it refers to, as of the generation that it
// has now. One without parents routes nothing, and waits for nobody.
func route(u *unstructured.Unstructured) (Health, bool) {
	if parents, _, _ := unstructured.NestedSlice(u.Object, "spec", "parentRefs"); len(parents) == 0 {
		return Healthy, true
	}
	verdict := Health{api.HealthProgressing, "waiting for a Gateway to take the route on"}
	for _, p := range maps(u, "parents") {
		all := conditionsOf(p["conditions"])
		if !current(u, all) {
			continue
		}
		if h := attached(u, all); h != Healthy {
			name, _, _ := unstructured.NestedString(p, "parentRef", "name")
			return Health{h.Code, fmt.Sprintf("parent %s: %s", name, h.Message)}, true
		}
		verdict = Healthy
	}
	return verdict, true
}

// current says that conditions are there, and of the object's generation.
func current(u *unstructured.Unstructured, all []statusCondition) bool {
	for _, c := range all {
		if c.seen == 0 || c.seen >= u.GetGeneration() {
			return true
		}
	}
	return false
}

// attached judges conditions of the Gateway API: what was refused is Degraded, and
// what is not programmed yet Progressing.
func attached(u *unstructured.Unstructured, all []statusCondition) Health {
	if len(all) > 0 && !current(u, all) {
		return Health{api.HealthProgressing, fmt.Sprintf("waiting for generation %d to be observed", u.GetGeneration())}
	}
	for _, name := range []string{"ResolvedRefs", "Accepted"} {
		c, ok := find(all, name)
		switch {
		case !ok || c.Status == "True":
		case c.Status == "False" && c.Reason != "Pending":
			return Health{api.HealthDegraded, c.text()}
		default:
			return Health{api.HealthProgressing, c.text()}
		}
	}
	if c, ok := find(all, "Programmed"); ok && c.Status != "True" {
		return Health{api.HealthProgressing, c.text()}
	}
	return Healthy
}

// maps returns the objects of a list in status.
func maps(u *unstructured.Unstructured, name string) (all []map[string]any) {
	list, _, _ := unstructured.NestedFieldNoCopy(u.Object, "status", name)
	items, _ := list.([]any)
	for _, item := range items {
		if m, ok := item.(map[string]any); ok {
			all = append(all, m)
		}
	}
	return all
}
