package node

import (
	"net/netip"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// nodeIP is from the addresses kept for documentation: it leads nowhere.
const nodeIP = "192.0.2.1"

// statusOf is the status that a kubelet would report at now for a bound Pod that
// has run for ran, and how long until it is another, or 0. It is a function of
// its arguments, and leaves a status that is right already as it is.
func statusOf(pod *corev1.Pod, now time.Time, ran time.Duration) (corev1.PodStatus, time.Duration) {
	d, err := directionsOf(pod.Annotations)
	if err != nil {
		return withState(pod, now, waiting("CreateContainerConfigError", err.Error())), 0
	}
	if slices.ContainsFunc(pod.Spec.InitContainers, cannotPull) {
		return withState(pod, now, waiting(initializing, "")), 0
	}
	if !finishes(pod) || slices.ContainsFunc(pod.Spec.Containers, cannotPull) {
		return withState(pod, now, running(d.ready)), 0
	}
	if left := d.delay - ran; left > 0 {
		return withState(pod, now, running(d.ready)), left
	}
	return withState(pod, now, exited(d.exitCode)), 0
}

// killedStatus is the status of a Pod that was ended before its time, as by SIGKILL.
func killedStatus(pod *corev1.Pod, now time.Time) corev1.PodStatus {
	return withState(pod, now, exited(128+9))
}

// withState is the status of a Pod whose containers are in a state.
func withState(pod *corev1.Pod, now time.Time, s state) corev1.PodStatus {
	status := *pod.Status.DeepCopy()
	at := metav1.NewTime(now)
	status.ObservedGeneration = pod.Generation
	if status.StartTime == nil {
		status.StartTime = &at
	}
	if status.PodIP == "" {
		status.HostIP = nodeIP
		status.HostIPs = []corev1.HostIP{{IP: nodeIP}}
		status.PodIP = podIP(pod)
		status.PodIPs = []corev1.PodIP{{IP: status.PodIP}}
	}
	status.InitContainerStatuses = containerStatuses(pod, pod.Spec.InitContainers, status.InitContainerStatuses, at, s.ofInit)
	status.ContainerStatuses = containerStatuses(pod, pod.Spec.Containers, status.ContainerStatuses, at, s.of)
	status.Phase = phaseOf(status.ContainerStatuses)
	setConditions(&status, pod.Generation, at)
	return status
}

// phaseOf is Pending while a container waits, Running while one runs, and then
// what the exit codes make it.
func phaseOf(containers []corev1.ContainerStatus) corev1.PodPhase {
	phase := corev1.PodSucceeded
	for _, c := range containers {
		switch {
		case c.State.Waiting != nil:
			return corev1.PodPending
		case c.State.Running != nil:
			phase = corev1.PodRunning
		case c.State.Terminated.ExitCode != 0 && phase != corev1.PodRunning:
			phase = corev1.PodFailed
		}
	}
	return phase
}

func setConditions(status *corev1.PodStatus, generation int64, now metav1.Time) {
	ready := !slices.ContainsFunc(status.ContainerStatuses, func(c corev1.ContainerStatus) bool { return !c.Ready })
	initialized := !slices.ContainsFunc(status.InitContainerStatuses, func(c corev1.ContainerStatus) bool { return c.State.Waiting != nil })
	notReady := map[corev1.PodPhase]string{corev1.PodSucceeded: "PodCompleted", corev1.PodFailed: "PodFailed"}[status.Phase]
	if notReady == "" {
		notReady = "ContainersNotReady"
	}
	for _, c := range []struct {
		kind   corev1.PodConditionType
		ok     bool
		reason string // if not ok
	}{
		{corev1.PodInitialized, initialized, "ContainersNotInitialized"},
		{corev1.ContainersReady, ready, notReady},
		{corev1.PodReady, ready, notReady},
	} {
		want := corev1.PodCondition{Type: c.kind, Status: corev1.ConditionTrue, ObservedGeneration: generation, LastTransitionTime: now}
		if !c.ok {
			want.Status, want.Reason = corev1.ConditionFalse, c.reason
		}
		setCondition(status, want)
	}
}

// setCondition puts a condition in its place. The time of its last transition
// stays if its status does.
func setCondition(status *corev1.PodStatus, want corev1.PodCondition) {
	i := slices.IndexFunc(status.Conditions, func(c corev1.PodCondition) bool { return c.Type == want.Type })
	if i < 0 {
		status.Conditions = append(status.Conditions, want)
		return
	}
	if have := status.Conditions[i]; have.Status == want.Status {
		want.LastTransitionTime = have.LastTransitionTime
	}
	status.Conditions[i] = want
}

// podIP is an address for a Pod that no other has. The resource version of an
// object is that of one write in the whole cluster; its last three bytes make an
// address in 10.0.0.0/8 that recurs after 16 million writes.
func podIP(pod *corev1.Pod) string {
	if pod.Spec.HostNetwork {
		return nodeIP
	}
	version, _ := strconv.ParseUint(pod.ResourceVersion, 10, 64)
	return netip.AddrFrom4([4]byte{10, byte(version >> 16), byte(version >> 8), byte(version)}).String() //nolint:gosec // bytes are meant
}
