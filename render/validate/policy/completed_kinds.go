package policy

import (
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func completeReplicationController(o *corev1.ReplicationController) {
	point(&o.Spec.Replicas, 1)
	if t := o.Spec.Template; t != nil {
		completePodSpec(&t.Spec)
		if len(o.Spec.Selector) == 0 {
			o.Spec.Selector = t.Labels
		}
		if len(o.Labels) == 0 {
			o.Labels = t.Labels
		}
	}
}

func completeDeployment(o *appsv1.Deployment) {
	completePodSpec(&o.Spec.Template.Spec)
	point(&o.Spec.Replicas, 1)
	point(&o.Spec.RevisionHistoryLimit, 10)
	point(&o.Spec.ProgressDeadlineSeconds, 600)
	unset(&o.Spec.Strategy.Type, appsv1.RollingUpdateDeploymentStrategyType)
	if o.Spec.Strategy.Type == appsv1.RollingUpdateDeploymentStrategyType {
		point(&o.Spec.Strategy.RollingUpdate, appsv1.RollingUpdateDeployment{})
		point(&o.Spec.Strategy.RollingUpdate.MaxUnavailable, intstr.FromString("25%"))
		point(&o.Spec.Strategy.RollingUpdate.MaxSurge, intstr.FromString("25%"))
	}
}

func completeStatefulSet(o *appsv1.StatefulSet) {
	completePodSpec(&o.Spec.Template.Spec)
	point(&o.Spec.Replicas, 1)
	point(&o.Spec.RevisionHistoryLimit, 10)
	unset(&o.Spec.PodManagementPolicy, appsv1.OrderedReadyPodManagement)
	unset(&o.Spec.UpdateStrategy.Type, appsv1.RollingUpdateStatefulSetStrategyType)
	if o.Spec.UpdateStrategy.Type == appsv1.RollingUpdateStatefulSetStrategyType {
		point(&o.Spec.UpdateStrategy.RollingUpdate, appsv1.RollingUpdateStatefulSetStrategy{})
		point(&o.Spec.UpdateStrategy.RollingUpdate.Partition, 0)
	}
	point(&o.Spec.PersistentVolumeClaimRetentionPolicy, appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy{})
	unset(&o.Spec.PersistentVolumeClaimRetentionPolicy.WhenDeleted, appsv1.RetainPersistentVolumeClaimRetentionPolicyType)
	unset(&o.Spec.PersistentVolumeClaimRetentionPolicy.WhenScaled, appsv1.RetainPersistentVolumeClaimRetentionPolicyType)
	for i := range o.Spec.VolumeClaimTemplates {
		claim := &o.Spec.VolumeClaimTemplates[i]
		claim.APIVersion, claim.Kind = "v1", "PersistentVolumeClaim"
		completeClaim(&claim.Spec)
		unset(&claim.Status.Phase, corev1.ClaimPending)
	}
}

func completeDaemonSet(o *appsv1.DaemonSet) {
	completePodSpec(&o.Spec.Template.Spec)
	point(&o.Spec.RevisionHistoryLimit, 10)
	unset(&o.Spec.UpdateStrategy.Type, appsv1.RollingUpdateDaemonSetStrategyType)
	if o.Spec.UpdateStrategy.Type == appsv1.RollingUpdateDaemonSetStrategyType {
		point(&o.Spec.UpdateStrategy.RollingUpdate, appsv1.RollingUpdateDaemonSet{})
		point(&o.Spec.UpdateStrategy.RollingUpdate.MaxUnavailable, intstr.FromInt32(1))
		point(&o.Spec.UpdateStrategy.RollingUpdate.MaxSurge, intstr.FromInt32(0))
	}
}

func completeJob(o *batchv1.Job) {
	completePodSpec(&o.Spec.Template.Spec)
	if o.Spec.Completions == nil && o.Spec.Parallelism == nil {
		point(&o.Spec.Completions, 1)
	}
	point(&o.Spec.Parallelism, 1)
	if o.Spec.BackoffLimitPerIndex == nil {
		point(&o.Spec.BackoffLimit, 6)
	}
	point(&o.Spec.CompletionMode, batchv1.NonIndexedCompletion)
	point(&o.Spec.Suspend, false)
	point(&o.Spec.ManualSelector, false)
	replacement := batchv1.TerminatingOrFailed
	if o.Spec.PodFailurePolicy != nil {
		replacement = batchv1.Failed
	}
	point(&o.Spec.PodReplacementPolicy, replacement)
}

func completeCronJob(o *batchv1.CronJob) {
	completePodSpec(&o.Spec.JobTemplate.Spec.Template.Spec)
	unset(&o.Spec.ConcurrencyPolicy, batchv1.AllowConcurrent)
	point(&o.Spec.Suspend, false)
	point(&o.Spec.SuccessfulJobsHistoryLimit, 3)
	point(&o.Spec.FailedJobsHistoryLimit, 1)
}

func completeService(o *corev1.Service) {
	s := &o.Spec
	unset(&s.SessionAffinity, corev1.ServiceAffinityNone)
	if s.SessionAffinity == corev1.ServiceAffinityClientIP {
		point(&s.SessionAffinityConfig, corev1.SessionAffinityConfig{})
		point(&s.SessionAffinityConfig.ClientIP, corev1.ClientIPConfig{})
		point(&s.SessionAffinityConfig.ClientIP.TimeoutSeconds, corev1.DefaultClientIPServiceAffinitySeconds)
	}
	unset(&s.Type, corev1.ServiceTypeClusterIP)
	for i := range s.Ports {
		unset(&s.Ports[i].Protocol, corev1.ProtocolTCP)
		if p := &s.Ports[i]; p.TargetPort == intstr.FromInt32(0) || p.TargetPort == intstr.FromString("") {
			p.TargetPort = intstr.FromInt32(p.Port)
		}
	}
	external := s.Type == corev1.ServiceTypeNodePort || s.Type == corev1.ServiceTypeLoadBalancer
	if external || s.Type == corev1.ServiceTypeClusterIP && len(s.ExternalIPs) > 0 {
		unset(&s.ExternalTrafficPolicy, corev1.ServiceExternalTrafficPolicyCluster)
	}
	if external || s.Type == corev1.ServiceTypeClusterIP {
		point(&s.InternalTrafficPolicy, corev1.ServiceInternalTrafficPolicyCluster)
	}
	if s.Type == corev1.ServiceTypeLoadBalancer {
		point(&s.AllocateLoadBalancerNodePorts, true)
	}
}

func completeVolume(o *corev1.PersistentVolume) {
	unset(&o.Spec.PersistentVolumeReclaimPolicy, corev1.PersistentVolumeReclaimRetain)
	point(&o.Spec.VolumeMode, corev1.PersistentVolumeFilesystem)
	unset(&o.Status.Phase, corev1.VolumePending)
	if o.Spec.HostPath != nil {
		point(&o.Spec.HostPath.Type, corev1.HostPathUnset)
	}
}

// completeLimitRange: what is not stated of a container's default is its maximum, and
// of its default request its default, or its minimum.
func completeLimitRange(o *corev1.LimitRange) {
	for i := range o.Spec.Limits {
		l := &o.Spec.Limits[i]
		if l.Type != corev1.LimitTypeContainer {
			continue
		}
		l.Default = filled(l.Default, l.Max)
		l.DefaultRequest = filled(filled(l.DefaultRequest, l.Default), l.Min)
	}
}

func filled(list, from corev1.ResourceList) corev1.ResourceList {
	if list == nil {
		list = corev1.ResourceList{}
	}
	for name, amount := range from {
		if _, stated := list[name]; !stated {
			list[name] = amount.DeepCopy()
		}
	}
	return list
}

func completeAutoscaler(o *autoscalingv2.HorizontalPodAutoscaler) {
	point(&o.Spec.MinReplicas, 1)
	if len(o.Spec.Metrics) == 0 {
		usage := int32(80)
		o.Spec.Metrics = []autoscalingv2.MetricSpec{{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
			Name: corev1.ResourceCPU, Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &usage},
		}}}
	}
	if b := o.Spec.Behavior; b != nil {
		b.ScaleUp = scaling(b.ScaleUp, 0, autoscalingv2.HPAScalingPolicy{Type: autoscalingv2.PodsScalingPolicy, Value: 4, PeriodSeconds: 15}, autoscalingv2.HPAScalingPolicy{Type: autoscalingv2.PercentScalingPolicy, Value: 100, PeriodSeconds: 15})
		b.ScaleDown = scaling(b.ScaleDown, -1, autoscalingv2.HPAScalingPolicy{Type: autoscalingv2.PercentScalingPolicy, Value: 100, PeriodSeconds: 15})
	}
}

// scaling completes one direction; a window below 0 is not set.
func scaling(r *autoscalingv2.HPAScalingRules, window int32, policies ...autoscalingv2.HPAScalingPolicy) *autoscalingv2.HPAScalingRules {
	if r == nil {
		r = &autoscalingv2.HPAScalingRules{}
	}
	point(&r.SelectPolicy, autoscalingv2.MaxChangePolicySelect)
	if window >= 0 {
		point(&r.StabilizationWindowSeconds, window)
	}
	if r.Policies == nil {
		r.Policies = policies
	}
	return r
}

func completeNetworkPolicy(o *networkingv1.NetworkPolicy) {
	for i := range o.Spec.Ingress {
		completePorts(o.Spec.Ingress[i].Ports)
	}
	for i := range o.Spec.Egress {
		completePorts(o.Spec.Egress[i].Ports)
	}
	if len(o.Spec.PolicyTypes) == 0 {
		o.Spec.PolicyTypes = []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}
		if len(o.Spec.Egress) > 0 {
			o.Spec.PolicyTypes = append(o.Spec.PolicyTypes, networkingv1.PolicyTypeEgress)
		}
	}
}

func completePorts(ports []networkingv1.NetworkPolicyPort) {
	for i := range ports {
		point(&ports[i].Protocol, corev1.ProtocolTCP)
	}
}

func completeBinding(ref *rbacv1.RoleRef, subjects []rbacv1.Subject) {
	unset(&ref.APIGroup, rbacv1.GroupName)
	for i := range subjects {
		if kind := subjects[i].Kind; kind == rbacv1.UserKind || kind == rbacv1.GroupKind {
			unset(&subjects[i].APIGroup, rbacv1.GroupName)
		}
	}
}
