package validate

import (
	"encoding/json"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/tidelock-io/tidelock/render/manifest"
)

// A selected pod is what a workload makes.
type madePod struct {
	of        *manifest.Object
	namespace string
	labels    labels.Set
	ports     map[string]bool
}

// podPaths are where workloads have the template of their pods.
var podPaths = map[string][]string{
	"apps/v1 Deployment": {"spec", "template"}, "apps/v1 StatefulSet": {"spec", "template"}, "apps/v1 DaemonSet": {"spec", "template"},
	"apps/v1 ReplicaSet": {"spec", "template"}, "batch/v1 Job": {"spec", "template"}, "v1 Pod": {},
	"batch/v1 CronJob": {"spec", "jobTemplate", "spec", "template"},
}

// together looks at Services beside the pods that they select: what a Service
// calls by name, one of these must have.
func together(set manifest.Set) []Problem {
	var pods []madePod
	for _, o := range set {
		if p, ok := podOf(o); ok {
			pods = append(pods, p)
		}
	}
	var all []Problem
	for _, o := range set {
		if o.APIVersion() != "v1" || o.Key.Kind != "Service" {
			continue
		}
		var s corev1.Service
		if json.Unmarshal(o.JSON(), &s) == nil {
			all = append(all, serviceOf(o, &s, pods)...)
		}
	}
	return all
}

func podOf(o *manifest.Object) (madePod, bool) {
	path, ok := podPaths[o.APIVersion()+" "+o.Key.Kind]
	if !ok {
		return madePod{}, false
	}
	body := o.Body()
	for _, name := range path {
		body, _ = body[name].(map[string]any)
	}
	text, err := json.Marshal(body)
	var template corev1.PodTemplateSpec
	if err != nil || json.Unmarshal(text, &template) != nil {
		return madePod{}, false
	}
	p := madePod{of: o, namespace: o.Key.Namespace, labels: template.Labels, ports: map[string]bool{}}
	for _, c := range append(template.Spec.Containers, template.Spec.InitContainers...) {
		for _, port := range c.Ports {
			p.ports[port.Name] = true
		}
	}
	return p, true
}

func serviceOf(o *manifest.Object, s *corev1.Service, pods []madePod) []Problem {
	if len(s.Spec.Selector) == 0 {
		return nil
	}
	r := &report{object: o}
	selector := labels.SelectorFromSet(s.Spec.Selector)
	for i, port := range s.Spec.Ports {
		name := port.TargetPort.StrVal
		if port.TargetPort.Type != intstr.String || name == "" {
			continue
		}
		found := false
		var selected, names []string
		for _, p := range pods {
			if p.namespace != o.Key.Namespace || !selector.Matches(p.labels) {
				continue
			}
			found = found || p.ports[name]
			selected = append(selected, p.of.Key.Kind+" "+p.of.Key.Name)
			for port := range p.ports {
				if port != "" {
					names = append(names, port)
				}
			}
		}
		if found || len(selected) == 0 {
			continue
		}
		hint := "name one of their ports so"
		if len(names) > 0 {
			hint = "there are " + strings.Join(sorted(names), ", ")
		}
		r.add(RuleServicePort, spec.Child("ports").Index(i).Child("targetPort").String(),
			fmt.Sprintf("no container of %s has a port of the name %q", strings.Join(sorted(selected), ", "), name), hint)
	}
	return r.problems
}
