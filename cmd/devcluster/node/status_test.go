package node

import (
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var birth = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestStatusOf(t *testing.T) {
	for _, tt := range []struct {
		name string
		pod  string // see parsePod
		ran  time.Duration
		want string // see statusText
	}{
		{"server", "Always app=web:1", 0, "Running ready | app running ready"},
		{"server, two containers", "Always app=web:1 log=log:1", 0, "Running ready | app running ready, log running ready"},
		{"never ready", "Always ready:false app=web:1", time.Hour, "Running | app running"},
		{"ready said", "Always ready:true app=web:1", 0, "Running ready | app running ready"},
		{"delay is for those that finish", "Always delay:1s exit-code:1 app=web:1", time.Hour, "Running ready | app running ready"},
		{"no such image", "Always app=web:does-not-exist log=log:1", 0, "Pending | app ImagePullBackOff, log running ready"},
		{"job, done at once", "Never app=task:1", 0, "Succeeded | app exited 0"},
		{"job, done later", "Never delay:2s app=task:1", 500 * time.Millisecond, "Running ready | app running ready, next in 1.5s"},
		{"job, later is now", "Never delay:2s app=task:1", 2 * time.Second, "Succeeded | app exited 0"},
		{"job, fails", "Never exit-code:3 app=task:1", 0, "Failed | app exited 3"},
		{"job, fails with OnFailure", "OnFailure exit-code:1 app=task:1", 0, "Failed | app exited 1"},
		{"job, never starts", "Never app=task:does-not-exist", time.Hour, "Pending | app ImagePullBackOff"},
		{"job, delay in the past", "Never delay:-1s app=task:1", 0, "Succeeded | app exited 0"},
		{"init", "Always init:migrate=m:1 app=web:1", 0, "Running ready | migrate exited 0 ready, app running ready"},
		{"init without image", "Always init:migrate=m:does-not-exist app=web:1", 0, "Pending uninitialized | migrate ImagePullBackOff, app PodInitializing"},
		{"sidecar", "Never delay:1s sidecar:proxy=p:1 app=task:1", 0, "Running ready | proxy running ready, app running ready, next in 1s"},
		{"sidecar ends with the rest", "Never sidecar:proxy=p:1 app=task:1", 0, "Succeeded | proxy exited 0, app exited 0"},
		{"unreadable delay", "Always delay:soon app=web:1", 0, "Pending | app CreateContainerConfigError"},
		{"unreadable exit code", "Never exit-code:256 app=web:1", 0, "Pending | app CreateContainerConfigError"},
		{"unreadable ready", "Always ready:maybe app=web:1", 0, "Pending | app CreateContainerConfigError"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pod := parsePod(t, tt.pod)
			status, left := statusOf(pod, birth, tt.ran)
			if got := statusText(status, left); got != tt.want {
				t.Errorf("%s after %v:\ngot  %s\nwant %s", tt.pod, tt.ran, got, tt.want)
			}
			// A status that is right stays as it is, or each update would bring another.
			pod.Status = status
			if again, _ := statusOf(pod, birth.Add(time.Hour), tt.ran); !equality.Semantic.DeepEqual(status, again) {
				t.Errorf("%s: the status changed for nothing:\nfrom %v\nto   %v", tt.pod, status, again)
			}
		})
	}
}

func TestStatusChanges(t *testing.T) {
	pod := parsePod(t, "Never delay:5s app=task:1")
	pod.ResourceVersion = "16909060"
	pod.Status, _ = statusOf(pod, birth, 0)
	pod.ResourceVersion = "16909061"
	end := birth.Add(5 * time.Second)
	status, _ := statusOf(pod, end, 5*time.Second)

	if got, want := status.PodIP, "10.2.3.4"; got != want {
		t.Errorf("pod IP %s, want %s as at first", got, want)
	}
	if got := status.StartTime.Time; !got.Equal(birth) {
		t.Errorf("start time %v, want %v as at first", got, birth)
	}
	ended := status.ContainerStatuses[0].State.Terminated
	if !ended.StartedAt.Time.Equal(birth) || !ended.FinishedAt.Time.Equal(end) {
		t.Errorf("container ran from %v to %v, want from %v to %v", ended.StartedAt, ended.FinishedAt, birth, end)
	}
	for _, c := range status.Conditions {
		want := birth
		if c.Type != corev1.PodInitialized { // those that are no longer true
			want = end
		}
		if !c.LastTransitionTime.Time.Equal(want) {
			t.Errorf("condition %s changed at %v, want %v", c.Type, c.LastTransitionTime, want)
		}
	}
}

func TestKilledStatus(t *testing.T) {
	for _, in := range []string{"Never delay:1h app=task:1", "OnFailure app=task:does-not-exist", "Never delay:soon app=task:1"} {
		pod := parsePod(t, in)
		pod.Status, _ = statusOf(pod, birth, 0)
		want := "Failed | app exited 137"
		if got := statusText(killedStatus(pod, birth), 0); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func TestHostNetwork(t *testing.T) {
	pod := parsePod(t, "Always app=web:1")
	pod.Spec.HostNetwork = true
	if status, _ := statusOf(pod, birth, 0); status.PodIP != nodeIP {
		t.Errorf("pod IP %s, want the node's %s", status.PodIP, nodeIP)
	}
}

// parsePod reads a restart policy followed by annotations (name:value, without
// the prefix), containers (name=image), init containers (init:name=image) and
// sidecars (sidecar:name=image).
func parsePod(t *testing.T, text string) *corev1.Pod {
	t.Helper()
	words := strings.Fields(text)
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", UID: "u", Generation: 1, ResourceVersion: "7", Annotations: map[string]string{}}}
	pod.Spec.RestartPolicy = corev1.RestartPolicy(words[0])
	for _, word := range words[1:] {
		name, image, isContainer := strings.Cut(word, "=")
		kind, name, hasKind := strings.Cut(name, ":")
		if !hasKind {
			kind, name = "", kind
		}
		c := corev1.Container{Name: name, Image: image}
		switch {
		case !isContainer:
			pod.Annotations["devcluster.tidelock.io/"+kind] = name
		case kind == "init":
			pod.Spec.InitContainers = append(pod.Spec.InitContainers, c)
		case kind == "sidecar":
			c.RestartPolicy = new(corev1.ContainerRestartPolicyAlways)
			pod.Spec.InitContainers = append(pod.Spec.InitContainers, c)
		default:
			pod.Spec.Containers = append(pod.Spec.Containers, c)
		}
	}
	return pod
}

// statusText is a status in a line.
func statusText(status corev1.PodStatus, left time.Duration) string {
	text := string(status.Phase)
	for _, c := range status.Conditions {
		switch {
		case c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue:
			text += " ready"
		case c.Type == corev1.PodInitialized && c.Status != corev1.ConditionTrue:
			text += " uninitialized"
		}
	}
	var containers []string
	for _, c := range append(status.InitContainerStatuses, status.ContainerStatuses...) {
		containers = append(containers, c.Name+" "+containerText(c))
	}
	if left > 0 {
		containers = append(containers, fmt.Sprint("next in ", left))
	}
	return text + " | " + strings.Join(containers, ", ")
}

func containerText(c corev1.ContainerStatus) (text string) {
	switch s := c.State; {
	case s.Waiting != nil:
		text = s.Waiting.Reason
	case s.Running != nil:
		text = "running"
	case s.Terminated != nil:
		text = fmt.Sprint("exited ", s.Terminated.ExitCode)
	}
	if c.Ready {
		text += " ready"
	}
	return text
}

func FuzzDirections(f *testing.F) {
	f.Add("1s", "0", "true")
	f.Add("-5ms", "255", "false")
	f.Add("soon", "256", "maybe")
	f.Fuzz(func(t *testing.T, delay, code, ready string) {
		d, err := directionsOf(map[string]string{DelayAnnotation: delay, ExitCodeAnnotation: code, ReadyAnnotation: ready})
		if err != nil {
			if d != (directions{}) {
				t.Errorf("directions %+v with error %v", d, err)
			}
			return
		}
		again, err := directionsOf(map[string]string{
			DelayAnnotation:    d.delay.String(),
			ExitCodeAnnotation: fmt.Sprint(d.exitCode),
			ReadyAnnotation:    fmt.Sprint(d.ready),
		})
		if err != nil || again != d {
			t.Errorf("%+v printed and read again is %+v, %v", d, again, err)
		}
	})
}
