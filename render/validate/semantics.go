package validate

import (
	"encoding/json"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// specs are the checks of kinds, beyond their schemas: what the API server's own
// code says of them. By apiVersion and kind.
var specs = map[string]func(*report){
	"v1 Pod":                                           typed(podKind),
	"v1 PodTemplate":                                   typed(podTemplateKind),
	"v1 ReplicationController":                         typed(replicationController),
	"apps/v1 Deployment":                               typed(deployment),
	"apps/v1 ReplicaSet":                               typed(replicaSet),
	"apps/v1 DaemonSet":                                typed(daemonSet),
	"apps/v1 StatefulSet":                              typed(statefulSet),
	"batch/v1 Job":                                     typed(job),
	"batch/v1 CronJob":                                 typed(cronJob),
	"v1 Service":                                       typed(service),
	"networking.k8s.io/v1 Ingress":                     typed(ingress),
	"autoscaling/v2 HorizontalPodAutoscaler":           typed(autoscaler),
	"policy/v1 PodDisruptionBudget":                    typed(disruptionBudget),
	"networking.k8s.io/v1 NetworkPolicy":               typed(networkPolicy),
	"v1 ConfigMap":                                     typed(configMap),
	"v1 Secret":                                        secret,
	"v1 PersistentVolume":                              typed(volume),
	"v1 PersistentVolumeClaim":                         typed(claim),
	"storage.k8s.io/v1 StorageClass":                   typed(storageClass),
	"v1 ResourceQuota":                                 typed(resourceQuota),
	"v1 LimitRange":                                    typed(limitRange),
	"rbac.authorization.k8s.io/v1 Role":                typed(role),
	"rbac.authorization.k8s.io/v1 ClusterRole":         typed(clusterRole),
	"rbac.authorization.k8s.io/v1 RoleBinding":         typed(roleBinding),
	"rbac.authorization.k8s.io/v1 ClusterRoleBinding":  typed(clusterRoleBinding),
	"apiextensions.k8s.io/v1 CustomResourceDefinition": crd,
}

// semantics looks at an object whose types are right.
func semantics(r *report) {
	if check := specs[r.object.APIVersion()+" "+r.object.Key.Kind]; check != nil {
		check(r)
	}
}

// typed decodes an object for its check. One that cannot be decoded has been told
// of by its schema.
func typed[T any](check func(*report, *T)) func(*report) {
	return func(r *report) {
		o := new(T)
		if json.Unmarshal(r.object.JSON(), o) == nil {
			check(r, o)
		}
	}
}

var spec = field.NewPath("spec")

func podKind(r *report, o *corev1.Pod) { (&pod{r: r, spec: &o.Spec, at: spec}).check() }

func podTemplateKind(r *report, o *corev1.PodTemplate) {
	r.template(&o.Template, field.NewPath("template"), corev1.RestartPolicyAlways, nil)
}

func replicationController(r *report, o *corev1.ReplicationController) {
	r.replicas(o.Spec.Replicas)
	if o.Spec.Template == nil {
		r.at(RuleRequired, spec.Child("template"), "it must be there")
		return
	}
	r.plainSelector(o.Spec.Selector, o.Spec.Template.Labels)
	r.template(o.Spec.Template, spec.Child("template"), corev1.RestartPolicyAlways, nil)
}

func deployment(r *report, o *appsv1.Deployment) {
	r.replicas(o.Spec.Replicas)
	r.selects(o.Spec.Selector, o.Spec.Template.Labels)
	r.template(&o.Spec.Template, spec.Child("template"), corev1.RestartPolicyAlways, nil)
	r.notNegative(spec.Child("minReadySeconds"), o.Spec.MinReadySeconds)
	r.history(o.Spec.RevisionHistoryLimit)
	at := spec.Child("strategy")
	rolling := o.Spec.Strategy.RollingUpdate
	if o.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType && rolling != nil {
		r.at(RuleConflict, at.Child("rollingUpdate"), "it cannot be there when the type is Recreate")
		return
	}
	if rolling != nil {
		r.share(at.Child("rollingUpdate", "maxSurge"), rolling.MaxSurge, false)
		r.share(at.Child("rollingUpdate", "maxUnavailable"), rolling.MaxUnavailable, true)
		if isZero(rolling.MaxSurge) && isZero(rolling.MaxUnavailable) {
			r.at(RuleConflict, at.Child("rollingUpdate", "maxUnavailable"), "it cannot be 0 when maxSurge is 0")
		}
	}
	if deadline := o.Spec.ProgressDeadlineSeconds; deadline != nil && *deadline <= o.Spec.MinReadySeconds {
		r.at(RuleValue, spec.Child("progressDeadlineSeconds"), "it must be more than minReadySeconds")
	}
}

func replicaSet(r *report, o *appsv1.ReplicaSet) {
	r.replicas(o.Spec.Replicas)
	r.selects(o.Spec.Selector, o.Spec.Template.Labels)
	r.template(&o.Spec.Template, spec.Child("template"), corev1.RestartPolicyAlways, nil)
}

func daemonSet(r *report, o *appsv1.DaemonSet) {
	r.selects(o.Spec.Selector, o.Spec.Template.Labels)
	r.notNegative(spec.Child("minReadySeconds"), o.Spec.MinReadySeconds)
	r.template(&o.Spec.Template, spec.Child("template"), corev1.RestartPolicyAlways, nil)
	r.history(o.Spec.RevisionHistoryLimit)
	if rolling := o.Spec.UpdateStrategy.RollingUpdate; rolling != nil {
		at := spec.Child("updateStrategy", "rollingUpdate")
		r.share(at.Child("maxSurge"), rolling.MaxSurge, true)
		r.share(at.Child("maxUnavailable"), rolling.MaxUnavailable, true)
	}
}

func statefulSet(r *report, o *appsv1.StatefulSet) {
	r.replicas(o.Spec.Replicas)
	r.selects(o.Spec.Selector, o.Spec.Template.Labels)
	r.history(o.Spec.RevisionHistoryLimit)
	r.notNegative(spec.Child("minReadySeconds"), o.Spec.MinReadySeconds)
	if o.Spec.Ordinals != nil {
		r.notNegative(spec.Child("ordinals", "start"), o.Spec.Ordinals.Start)
	}
	if rolling := o.Spec.UpdateStrategy.RollingUpdate; rolling != nil && rolling.Partition != nil {
		r.notNegative(spec.Child("updateStrategy", "rollingUpdate", "partition"), *rolling.Partition)
	}
	if name := o.Spec.ServiceName; name != "" {
		r.names(RuleName, spec.Child("serviceName"), name, validation.IsDNS1123Label(name))
	}
	claims := map[string]bool{}
	for i, c := range o.Spec.VolumeClaimTemplates {
		at := spec.Child("volumeClaimTemplates").Index(i)
		claims[c.Name] = true
		r.claimSpec(at.Child("spec"), &c.Spec)
	}
	r.template(&o.Spec.Template, spec.Child("template"), corev1.RestartPolicyAlways, claims)
	if rolling := o.Spec.UpdateStrategy.RollingUpdate; rolling != nil && o.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType {
		r.at(RuleConflict, spec.Child("updateStrategy", "rollingUpdate"), "it cannot be there when the type is OnDelete")
	}
}

func job(r *report, o *batchv1.Job) { r.job(&o.Spec, spec) }

func cronJob(r *report, o *batchv1.CronJob) {
	r.schedule(spec.Child("schedule"), o.Spec.Schedule, o.Spec.TimeZone)
	r.job(&o.Spec.JobTemplate.Spec, spec.Child("jobTemplate", "spec"))
	for name, n := range map[string]*int32{"successfulJobsHistoryLimit": o.Spec.SuccessfulJobsHistoryLimit, "failedJobsHistoryLimit": o.Spec.FailedJobsHistoryLimit} {
		if n != nil {
			r.notNegative(spec.Child(name), *n)
		}
	}
	if n := o.Spec.StartingDeadlineSeconds; n != nil && *n < 0 {
		r.at(RuleValue, spec.Child("startingDeadlineSeconds"), "it must not be negative")
	}
}
