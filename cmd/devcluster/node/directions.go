package node

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Annotations by which a Pod says what is to happen to it. A Pod with one that
// cannot be read does not start; its containers wait and say why.
const (
	// DelayAnnotation is how long a Pod that finishes runs: a Go duration.
	DelayAnnotation = "devcluster.tidelock.io/delay"
	// ExitCodeAnnotation is with which exit code a Pod that finishes does so, 0
	// to 255: it succeeds with 0 and has failed with any other.
	ExitCodeAnnotation = "devcluster.tidelock.io/exit-code"
	// ReadyAnnotation is whether a running Pod is ready: "true" or "false".
	ReadyAnnotation = "devcluster.tidelock.io/ready"
)

// missingTag is the image tag that no registry has.
const missingTag = ":does-not-exist"

// directions are what the annotations of a Pod say.
type directions struct {
	delay    time.Duration
	exitCode int32
	ready    bool
}

func directionsOf(annotations map[string]string) (d directions, err error) {
	d.ready = true
	for name, read := range map[string]func(string) error{
		DelayAnnotation: func(s string) (err error) { d.delay, err = time.ParseDuration(s); return },
		ReadyAnnotation: func(s string) (err error) { d.ready, err = strconv.ParseBool(s); return },
		ExitCodeAnnotation: func(s string) error {
			code, err := strconv.ParseUint(s, 10, 8)
			d.exitCode = int32(code)
			return err
		},
	} {
		value, ok := annotations[name]
		if !ok {
			continue
		}
		if err := read(value); err != nil {
			return directions{}, fmt.Errorf("annotation %s: %w", name, err)
		}
	}
	return d, nil
}

// finishes reports whether a Pod is meant to run to an end. A container that
// fails is not restarted in place, not even with restartPolicy OnFailure; its
// Pod has failed, and its Job makes another.
func finishes(pod *corev1.Pod) bool {
	return pod.Spec.RestartPolicy != corev1.RestartPolicyAlways
}

// finished reports whether a Pod has run to its end.
func finished(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

func cannotPull(c corev1.Container) bool { return strings.HasSuffix(c.Image, missingTag) }
