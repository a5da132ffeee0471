package validate

import (
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func autoscaler(r *report, o *autoscalingv2.HorizontalPodAutoscaler) {
	least := int32(1)
	if o.Spec.MinReplicas != nil {
		if least = *o.Spec.MinReplicas; least < 0 {
			r.notNegative(spec.Child("minReplicas"), least)
		}
	}
	switch {
	case o.Spec.MaxReplicas < 1:
		r.at(RuleValue, spec.Child("maxReplicas"), "%d: it must be more than 0", o.Spec.MaxReplicas)
	case o.Spec.MaxReplicas < least:
		r.at(RuleValue, spec.Child("maxReplicas"), "%d is less than minReplicas", o.Spec.MaxReplicas)
	}
	for name, value := range map[string]string{"kind": o.Spec.ScaleTargetRef.Kind, "name": o.Spec.ScaleTargetRef.Name} {
		if value == "" {
			r.at(RuleRequired, spec.Child("scaleTargetRef", name), "it must not be empty")
		}
	}
	if target := o.Spec.ScaleTargetRef; target.Kind != "ReplicationController" && !strings.Contains(target.APIVersion, "/") {
		r.at(RuleValue, spec.Child("scaleTargetRef", "apiVersion"), "%.60q names no group, such as apps/v1 does", target.APIVersion)
	}
	for i := range o.Spec.Metrics {
		r.metric(spec.Child("metrics").Index(i), &o.Spec.Metrics[i])
	}
}

// sources of metrics, by type.
var metricSources = map[autoscalingv2.MetricSourceType]string{
	"Object": "object", "Pods": "pods", "Resource": "resource", "ContainerResource": "containerResource", "External": "external",
}

func (r *report) metric(at *field.Path, m *autoscalingv2.MetricSpec) {
	source := metricSources[m.Type]
	has := stated(m)
	switch {
	case source == "":
		r.at(RuleValue, at.Child("type"), "%.40q is none of Object, Pods, Resource, ContainerResource, External", m.Type)
		return
	case len(has) != 1 || has[0] != source:
		r.at(RuleChoice, at.Child(source), "for the type %s it must be there, and nothing else", m.Type)
		return
	}
	switch {
	case m.Resource != nil:
		if m.Resource.Name == "" {
			r.at(RuleRequired, at.Child("resource", "name"), "it must not be empty")
		}
		r.target(at.Child("resource", "target"), m.Resource.Target)
	case m.ContainerResource != nil:
		r.target(at.Child("containerResource", "target"), m.ContainerResource.Target)
	case m.Pods != nil:
		r.target(at.Child("pods", "target"), m.Pods.Target)
	case m.Object != nil:
		r.target(at.Child("object", "target"), m.Object.Target)
	case m.External != nil:
		r.target(at.Child("external", "target"), m.External.Target)
	}
}

func (r *report) target(at *field.Path, t autoscalingv2.MetricTarget) {
	for name, q := range map[string]*resource.Quantity{"value": t.Value, "averageValue": t.AverageValue} {
		if q != nil && q.Sign() <= 0 {
			r.at(RuleQuantity, at.Child(name), "it must be more than 0")
		}
	}
	switch t.Type {
	case autoscalingv2.UtilizationMetricType, autoscalingv2.ValueMetricType, autoscalingv2.AverageValueMetricType:
	default:
		r.at(RuleValue, at.Child("type"), "%.40q is none of Utilization, Value, AverageValue", t.Type)
	}
	if t.AverageUtilization != nil && *t.AverageUtilization < 1 {
		r.at(RuleValue, at.Child("averageUtilization"), "%d: it must be more than 0", *t.AverageUtilization)
	}
	if t.AverageUtilization == nil && t.Value == nil && t.AverageValue == nil {
		r.at(RuleChoice, at, "it has no value, averageValue or averageUtilization")
	}
}

func disruptionBudget(r *report, o *policyv1.PodDisruptionBudget) {
	if o.Spec.MinAvailable != nil && o.Spec.MaxUnavailable != nil {
		r.at(RuleChoice, spec.Child("maxUnavailable"), "there is a minAvailable beside it")
	}
	r.share(spec.Child("minAvailable"), o.Spec.MinAvailable, true)
	r.share(spec.Child("maxUnavailable"), o.Spec.MaxUnavailable, true)
	r.selector(spec.Child("selector"), o.Spec.Selector)
}
