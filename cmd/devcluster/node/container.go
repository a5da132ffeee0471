package node

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// initializing is why a container waits for an init container.
const initializing = "PodInitializing"

// state is what the containers of a Pod do: wait, run or, being neither, have
// exited with a code.
type state struct {
	wait  *corev1.ContainerStateWaiting
	run   bool
	ready bool // of run
	code  int32
	done  bool // of an init container: it did its work
}

func waiting(reason, message string) state {
	return state{wait: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
}

func running(ready bool) state { return state{run: true, ready: ready} }

func exited(code int32) state { return state{code: code} }

// of is the state of one container: it cannot run without its image.
func (s state) of(c corev1.Container) state {
	if s.run && cannotPull(c) {
		return waiting("ImagePullBackOff", `Back-off pulling image "`+c.Image+`"`)
	}
	return s
}

// ofInit is the state of an init container. It has done its work if the others
// run; a sidecar runs along with them.
func (s state) ofInit(c corev1.Container) state {
	sidecar := c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
	switch {
	case s.wait != nil && s.wait.Reason == initializing && cannotPull(c):
		return running(false).of(c)
	case s.wait != nil && s.wait.Reason != initializing:
		return s
	case sidecar && s.wait == nil && !s.run:
		return exited(0)
	case sidecar:
		return running(true)
	}
	return state{done: true}
}

// containerStatuses is a status per container, given those there were.
func containerStatuses(pod *corev1.Pod, containers []corev1.Container, old []corev1.ContainerStatus,
	now metav1.Time, stateOf func(corev1.Container) state) []corev1.ContainerStatus {
	before := make(map[string]corev1.ContainerStatus, len(old))
	for _, status := range old {
		before[status.Name] = status
	}
	var statuses []corev1.ContainerStatus
	for _, c := range containers {
		id := "devcluster://" + string(pod.UID) + "/" + c.Name
		statuses = append(statuses, containerStatus(c, before[c.Name].State, id, now, stateOf(c)))
	}
	return statuses
}

// containerStatus is the status of a container that was in a state before.
func containerStatus(c corev1.Container, before corev1.ContainerState, id string, now metav1.Time, s state) corev1.ContainerStatus {
	status := corev1.ContainerStatus{Name: c.Name, Image: c.Image, Started: &s.run}
	if s.wait != nil {
		status.State.Waiting = s.wait
		return status
	}
	status.ContainerID = id
	status.ImageID = "devcluster://" + c.Image
	if s.run {
		status.Ready = s.ready
		status.State.Running = before.Running
		if before.Running == nil {
			status.State.Running = &corev1.ContainerStateRunning{StartedAt: now}
		}
		return status
	}
	status.Ready = s.done
	status.State.Terminated = before.Terminated
	if before.Terminated == nil {
		status.State.Terminated = terminated(before, id, now, s.code)
	}
	return status
}

func terminated(before corev1.ContainerState, id string, now metav1.Time, code int32) *corev1.ContainerStateTerminated {
	end := &corev1.ContainerStateTerminated{ExitCode: code, Reason: "Completed", ContainerID: id, StartedAt: now, FinishedAt: now}
	if code != 0 {
		end.Reason = "Error"
	}
	if before.Running != nil {
		end.StartedAt = before.Running.StartedAt
	}
	return end
}
