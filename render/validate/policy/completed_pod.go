package policy

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// completePod sets what Pods have and the templates of workloads do not.
func completePod(o *corev1.Pod) {
	completePodSpec(&o.Spec)
	point(&o.Spec.EnableServiceLinks, true)
	for _, containers := range [][]corev1.Container{o.Spec.InitContainers, o.Spec.Containers} {
		for i := range containers {
			requestsFromLimits(&containers[i].Resources)
		}
	}
	unset(&o.Status.Phase, corev1.PodPending)
}

// requestsFromLimits: who states no request has that of the limit.
func requestsFromLimits(r *corev1.ResourceRequirements) {
	for name, limit := range r.Limits {
		if _, stated := r.Requests[name]; !stated {
			if r.Requests == nil {
				r.Requests = corev1.ResourceList{}
			}
			r.Requests[name] = limit.DeepCopy()
		}
	}
}

func completePodSpec(s *corev1.PodSpec) {
	unset(&s.DNSPolicy, corev1.DNSClusterFirst)
	unset(&s.RestartPolicy, corev1.RestartPolicyAlways)
	unset(&s.SchedulerName, corev1.DefaultSchedulerName)
	point(&s.SecurityContext, corev1.PodSecurityContext{})
	point(&s.TerminationGracePeriodSeconds, corev1.DefaultTerminationGracePeriodSeconds)
	if s.ServiceAccountName != "" {
		s.DeprecatedServiceAccount = s.ServiceAccountName
	} else {
		s.ServiceAccountName = s.DeprecatedServiceAccount
	}
	for _, containers := range [][]corev1.Container{s.InitContainers, s.Containers} {
		for i := range containers {
			completeContainer(&containers[i], s.HostNetwork)
		}
	}
	for i := range s.Volumes {
		completeSource(&s.Volumes[i].VolumeSource)
	}
}

func completeContainer(c *corev1.Container, hostNetwork bool) {
	unset(&c.TerminationMessagePath, corev1.TerminationMessagePathDefault)
	unset(&c.TerminationMessagePolicy, corev1.TerminationMessageReadFile)
	unset(&c.ImagePullPolicy, pullPolicy(c.Image))
	for i := range c.Ports {
		unset(&c.Ports[i].Protocol, corev1.ProtocolTCP)
		if hostNetwork {
			unset(&c.Ports[i].HostPort, c.Ports[i].ContainerPort)
		}
	}
	for i := range c.Env {
		if from := c.Env[i].ValueFrom; from != nil && from.FieldRef != nil {
			unset(&from.FieldRef.APIVersion, "v1")
		}
	}
	for _, probe := range []*corev1.Probe{c.LivenessProbe, c.ReadinessProbe, c.StartupProbe} {
		completeProbe(probe)
	}
	if c.Lifecycle != nil {
		for _, hook := range []*corev1.LifecycleHandler{c.Lifecycle.PostStart, c.Lifecycle.PreStop} {
			if hook != nil {
				completeGet(hook.HTTPGet)
			}
		}
	}
}

// pullPolicy is Always for what may be another image tomorrow.
func pullPolicy(image string) corev1.PullPolicy {
	name, _, digest := strings.Cut(image, "@")
	tag := ""
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		tag = name[i+1:]
	}
	if tag == "latest" || tag == "" && !digest {
		return corev1.PullAlways
	}
	return corev1.PullIfNotPresent
}

func completeProbe(p *corev1.Probe) {
	if p == nil {
		return
	}
	unset(&p.TimeoutSeconds, 1)
	unset(&p.PeriodSeconds, 10)
	unset(&p.SuccessThreshold, 1)
	unset(&p.FailureThreshold, 3)
	completeGet(p.HTTPGet)
	if p.GRPC != nil {
		point(&p.GRPC.Service, "")
	}
}

func completeGet(get *corev1.HTTPGetAction) {
	if get != nil {
		unset(&get.Path, "/")
		unset(&get.Scheme, corev1.URISchemeHTTP)
	}
}

func completeSource(v *corev1.VolumeSource) {
	if *v == (corev1.VolumeSource{}) {
		v.EmptyDir = &corev1.EmptyDirVolumeSource{}
	}
	const mode = corev1.SecretVolumeSourceDefaultMode
	switch {
	case v.Secret != nil:
		point(&v.Secret.DefaultMode, mode)
	case v.ConfigMap != nil:
		point(&v.ConfigMap.DefaultMode, mode)
	case v.DownwardAPI != nil:
		point(&v.DownwardAPI.DefaultMode, mode)
		completeItems(v.DownwardAPI.Items)
	case v.Projected != nil:
		point(&v.Projected.DefaultMode, mode)
		for i := range v.Projected.Sources {
			source := &v.Projected.Sources[i]
			if source.ServiceAccountToken != nil {
				point(&source.ServiceAccountToken.ExpirationSeconds, 3600)
			}
			if source.DownwardAPI != nil {
				completeItems(source.DownwardAPI.Items)
			}
		}
	case v.HostPath != nil:
		point(&v.HostPath.Type, corev1.HostPathUnset)
	case v.Ephemeral != nil && v.Ephemeral.VolumeClaimTemplate != nil:
		completeClaim(&v.Ephemeral.VolumeClaimTemplate.Spec)
	case v.ISCSI != nil:
		unset(&v.ISCSI.ISCSIInterface, "default")
	}
}

func completeItems(items []corev1.DownwardAPIVolumeFile) {
	for i := range items {
		if items[i].FieldRef != nil {
			unset(&items[i].FieldRef.APIVersion, "v1")
		}
	}
}

func completeClaim(s *corev1.PersistentVolumeClaimSpec) {
	point(&s.VolumeMode, corev1.PersistentVolumeFilesystem)
	if s.DataSource != nil && s.DataSourceRef == nil {
		s.DataSourceRef = &corev1.TypedObjectReference{APIGroup: s.DataSource.APIGroup, Kind: s.DataSource.Kind, Name: s.DataSource.Name}
	}
}
