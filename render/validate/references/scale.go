package references

import (
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tidelock-io/tidelock/render/validate"
)

// target is what an autoscaler scales.
func (w *walker) target(ref field, kind schema.GroupKind) {
	gv, err := schema.ParseGroupVersion(ref.in("apiVersion").text())
	if err != nil {
		return
	}
	if ref.in("apiVersion").there() {
		kind.Group = gv.Group
	}
	kind.Kind = ref.in("kind").or(kind.Kind)
	w.names(kind, ref.in("name")).rule = validate.RuleMissingTarget
}

func (w *walker) autoscaler(body field) {
	w.target(body.in("spec", "scaleTargetRef"), schema.GroupKind{})
}

func (w *walker) verticalAutoscaler(body field) {
	w.target(body.in("spec", "targetRef"), schema.GroupKind{})
}

func (w *walker) scaledObject(body field) {
	w.target(body.in("spec", "scaleTargetRef"), kindDeployment)
	w.triggers(body)
}

// triggers of KEDA name what they log in with.
func (w *walker) triggers(body field) {
	for _, trigger := range body.each("spec", "triggers") {
		ref := trigger.in("authenticationRef")
		kind := kindTriggerAuth
		if ref.in("kind").text() == kindClusterTrigger.Kind {
			kind = kindClusterTrigger
		}
		w.names(kind, ref.in("name")).rule = validate.RuleMissingTarget
	}
}

func (w *walker) triggerAuthentication(body field) {
	for _, ref := range body.each("spec", "secretTargetRef") {
		w.keyed(kindSecret, ref)
	}
	for _, ref := range body.each("spec", "configMapTargetRef") {
		w.keyed(kindConfigMap, ref)
	}
}

// rollout may take its pods from a workload beside it.
func (w *walker) rollout(body field) {
	w.target(body.in("spec", "workloadRef"), kindDeployment)
	for _, path := range [][]string{
		{"canary", "stableService"}, {"canary", "canaryService"}, {"blueGreen", "activeService"}, {"blueGreen", "previewService"},
	} {
		w.names(kindService, body.in("spec", "strategy").in(path...))
	}
}

func (w *walker) disruptionBudget(body field) { w.selectsPods(body.in("spec", "selector")) }

// serviceMonitor selects Services. One of them must have each port that it
// scrapes.
func (w *walker) serviceMonitor(body field) { w.monitor(body, kindService, "endpoints") }

func (w *walker) podMonitor(body field) { w.monitor(body, kindPod, "podMetricsEndpoints") }

func (w *walker) monitor(body field, kind schema.GroupKind, endpoints string) {
	spec := body.in("spec")
	chosen, ok := labelSelector(spec.in("selector"))
	if !ok || len(chosen) == 0 {
		return
	}
	s := w.selects(kind, spec.in("selector"), chosen)
	s.everywhere = spec.in("namespaceSelector", "any").isTrue()
	if names := spec.each("namespaceSelector", "matchNames"); len(names) > 0 {
		s.namespaces = nil
		for _, name := range names {
			s.namespaces = append(s.namespaces, name.text())
		}
	}
	for _, endpoint := range spec.each(endpoints) {
		if port := endpoint.in("port"); port.text() != "" {
			s.ports = append(s.ports, port)
		}
	}
}
