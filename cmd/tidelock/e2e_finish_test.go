package main

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// runNoLonger takes effect on Pods that run already.
const runNoLonger = `{"metadata": {"annotations": {"devcluster.tidelock.io/delay": "0s"}}}`

// finish ends what a story lets run for as long as it looks at the state meanwhile.
func (s *scene) finish(args []string) error {
	namespace, name, _ := strings.Cut(args[1], "/")
	pods := s.cluster.Typed.CoreV1().Pods(namespace)
	which, ok := map[string]metav1.ListOptions{
		"pod": {FieldSelector: metav1.ObjectNameField + "=" + name},
		"job": {LabelSelector: "batch.kubernetes.io/job-name=" + name},
	}[args[0]]
	if !ok {
		return fmt.Errorf("%s: give pod or job", args[0])
	}
	return s.until("the Pods of "+args[0]+" "+args[1], func() (bool, error) {
		list, err := pods.List(s.ctx, which)
		if err != nil {
			return false, err
		}
		for _, pod := range list.Items {
			if pod.Status.Phase != corev1.PodRunning {
				return false, nil
			}
		}
		for _, pod := range list.Items {
			if _, err := pods.Patch(s.ctx, pod.Name, types.MergePatchType, []byte(runNoLonger), metav1.PatchOptions{FieldManager: kubectl}); err != nil {
				return false, err
			}
		}
		return len(list.Items) > 0, nil
	})
}
