package install

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Ports, as they are called.
const (
	webhookPort = "http"
	metricsPort = "metrics"
	peersPort   = "replicas"
)

// user is the one of the image, who is nobody.
const user = 65532

// deployment runs agents, each of which takes its share. A new one begins before an old
// one ends, for it takes over what it has from the others by itself, and until then
// nothing is missing.
func (o Options) deployment() *appsv1.Deployment {
	return &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: appsv1.SchemeGroupVersion.String(), Kind: "Deployment"},
		ObjectMeta: o.meta(),
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(max(1, o.Replicas))), //nolint:gosec // see Check
			Strategy: appsv1.DeploymentStrategy{
				Type:          appsv1.RollingUpdateDeploymentStrategyType,
				RollingUpdate: &appsv1.RollingUpdateDeployment{MaxSurge: new(intstr.FromInt32(1)), MaxUnavailable: new(intstr.FromInt32(0))},
			},
			Selector: &metav1.LabelSelector{MatchLabels: selector()},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels()},
				Spec:       o.pod(),
			},
		},
	}
}

func (o Options) pod() corev1.PodSpec {
	return corev1.PodSpec{
		ServiceAccountName: Name,
		// Variables of Services begin with TIDELOCK_, as those of settings do.
		EnableServiceLinks: new(false),
		// What an agent was doing stands in the status of its Applications: it needs
		// no time to end, its plugins a moment.
		TerminationGracePeriodSeconds: new(int64(15)),
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot: new(true), RunAsUser: new(int64(user)), RunAsGroup: new(int64(user)), FSGroup: new(int64(user)),
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
		TopologySpreadConstraints: spread(),
		Containers:                []corev1.Container{o.container()},
		Volumes: []corev1.Volume{
			volume("cache", "", "4Gi"),
			volume("tmp", "", "1Gi"),
			volume("memory", corev1.StorageMediumMemory, "256Mi"),
		},
	}
}

// Arguments are those that the agent is started with.
func (o Options) Arguments() []string {
	args := []string{
		"agent", "--namespace=" + o.Namespace, "--sealed-secrets-namespace=" + o.sealing(),
		"--cache-dir=/cache", "--plugin-scratch-dir=/memory",
	}
	for _, a := range o.arguments() {
		if a.given {
			args = append(args, a.text)
		}
	}
	return args
}

// An argument is one that not all agents are started with.
type argument struct {
	text  string
	given bool
	// when is the condition, and as how the argument is written, as a template has them.
	when, as string
}

func (o Options) arguments() []argument {
	list := func(flag string, names []string, value string) argument {
		return argument{
			"--" + flag + "=" + strings.Join(names, ","), len(names) > 0,
			".Values." + value, fmt.Sprintf(`{{ printf "--%s=%%s" (join "," .Values.%s) | quote }}`, flag, value),
		}
	}
	word := func(flag string, given bool, value string) argument {
		return argument{"--" + flag, given, ".Values." + value, "--" + flag}
	}
	return []argument{
		list(DestinationsFlag, o.Namespaces, "namespaces"),
		list(ApplicationsFlag, o.ApplicationNamespaces, "applicationNamespaces"),
		list(SetsFlag, o.SetNamespaces, "applicationSetNamespaces"),
		word("impersonate", o.Impersonate, "impersonate"),
		word("shadow", o.Shadow, "shadow"),
		word("shadow-dry-runs", o.ShadowDryRuns, "shadowDryRuns"),
	}
}

func (o Options) container() corev1.Container {
	return corev1.Container{
		Name:  "agent",
		Image: o.Image,
		Args:  o.Arguments(),
		Ports: []corev1.ContainerPort{
			{Name: webhookPort, ContainerPort: 8080, Protocol: corev1.ProtocolTCP},
			{Name: metricsPort, ContainerPort: 8082, Protocol: corev1.ProtocolTCP},
			{Name: peersPort, ContainerPort: 8083, Protocol: corev1.ProtocolTCP},
		},
		Env: []corev1.EnvVar{{
			Name:      "TIDELOCK_REPLICA_ADDRESS",
			ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "status.podIP"}},
		}},
		ReadinessProbe: asked("/readyz", 5),
		LivenessProbe:  asked("/healthz", 20),
		Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("256Mi")},
			Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("2Gi")},
		},
		SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: new(false), ReadOnlyRootFilesystem: new(true),
			Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		},
		VolumeMounts: []corev1.VolumeMount{
			{Name: "cache", MountPath: "/cache"}, {Name: "tmp", MountPath: "/tmp"}, {Name: "memory", MountPath: "/memory"},
		},
	}
}

func asked(path string, period int32) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler:  corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: intstr.FromString(webhookPort)}},
		PeriodSeconds: period, TimeoutSeconds: 5,
	}
}

func volume(name string, medium corev1.StorageMedium, limit string) corev1.Volume {
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
		EmptyDir: &corev1.EmptyDirVolumeSource{Medium: medium, SizeLimit: new(resource.MustParse(limit))},
	}}
}
