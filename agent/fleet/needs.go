package fleet

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A need is an object without which another does not become healthy, and the field that
// names it.
type need struct {
	key  manifest.Key
	path string
}

// templates are where workloads have the pod that they make.
var templates = map[schema.GroupKind][]string{
	{Group: "apps", Kind: "Deployment"}: {"spec", "template"}, {Group: "apps", Kind: "StatefulSet"}: {"spec", "template"},
	{Group: "apps", Kind: "DaemonSet"}: {"spec", "template"}, {Group: "apps", Kind: "ReplicaSet"}: {"spec", "template"},
	{Group: "batch", Kind: "Job"}: {"spec", "template"}, {Kind: "Pod"}: {},
}

// podsNeed are the kinds of objects that pods name.
var podsNeed = map[string]bool{
	"ConfigMap": true, "Secret": true, "ServiceAccount": true, "PersistentVolumeClaim": true, "PriorityClass": true, "RuntimeClass": true,
}

// needs lists what an object has to find in the cluster to become healthy, or to end
// well. What it can do without is left out, and so is what nothing waits for: workloads
// without pods, and CronJobs.
func needs(o *manifest.Object) []need {
	switch gk := o.Key.GroupKind(); {
	case gk.Kind == "PersistentVolumeClaim" && gk.Group == "":
		return claimNeeds(o)
	case gk.Kind == "HorizontalPodAutoscaler" && gk.Group == "autoscaling":
		return scalerNeeds(o)
	default:
		at, ok := templates[gk]
		if !ok {
			return nil
		}
		body := o.Body()
		if idle(body) {
			return nil
		}
		return podNeeds(o, body, at)
	}
}

// idle says that a workload makes no pods, as it is stated.
func idle(body map[string]any) bool {
	spec, _ := body["spec"].(map[string]any)
	replicas, stated := spec["replicas"]
	return stated && fmt.Sprint(replicas) == "0" || spec["paused"] == true || spec["suspend"] == true
}

func podNeeds(o *manifest.Object, body map[string]any, at []string) []need {
	prefix := ""
	for _, name := range at {
		body, _ = body[name].(map[string]any)
		prefix += name + "."
	}
	text, err := json.Marshal(body)
	var template corev1.PodTemplateSpec
	if err != nil || json.Unmarshal(text, &template) != nil {
		return nil // told by its schema
	}
	p := pod{namespace: o.Key.Namespace, path: prefix + "spec"}
	p.spec(&template.Spec)
	return p.needs
}

// A pod collects what it needs.
type pod struct {
	namespace, path string
	needs           []need
}

// use notes an object of the pod's namespace.
func (p *pod) use(kind, name, path string, optional *bool) {
	key := manifest.Key{Kind: kind, Namespace: p.namespace, Name: name}
	if name != "" && (optional == nil || !*optional) {
		p.add(key, path)
	}
}

func (p *pod) add(key manifest.Key, path string) {
	if !slices.ContainsFunc(p.needs, func(n need) bool { return n.key == key }) {
		p.needs = append(p.needs, need{key, p.path + path})
	}
}

func (p *pod) spec(spec *corev1.PodSpec) {
	if spec.ServiceAccountName != "default" {
		p.use("ServiceAccount", spec.ServiceAccountName, ".serviceAccountName", nil)
	}
	if spec.PriorityClassName != "" {
		p.add(manifest.Key{Group: "scheduling.k8s.io", Kind: "PriorityClass", Name: spec.PriorityClassName}, ".priorityClassName")
	}
	if spec.RuntimeClassName != nil {
		p.add(manifest.Key{Group: "node.k8s.io", Kind: "RuntimeClass", Name: *spec.RuntimeClassName}, ".runtimeClassName")
	}
	for i := range spec.InitContainers {
		p.container(&spec.InitContainers[i], fmt.Sprintf(".initContainers[%d]", i))
	}
	for i := range spec.Containers {
		p.container(&spec.Containers[i], fmt.Sprintf(".containers[%d]", i))
	}
	for i := range spec.Volumes {
		p.volume(&spec.Volumes[i].VolumeSource, fmt.Sprintf(".volumes[%d]", i))
	}
}

func (p *pod) container(container *corev1.Container, path string) {
	for i, from := range container.EnvFrom {
		at := fmt.Sprintf("%s.envFrom[%d]", path, i)
		if ref := from.SecretRef; ref != nil {
			p.use("Secret", ref.Name, at+".secretRef.name", ref.Optional)
		}
		if ref := from.ConfigMapRef; ref != nil {
			p.use("ConfigMap", ref.Name, at+".configMapRef.name", ref.Optional)
		}
	}
	for i, env := range container.Env {
		at := fmt.Sprintf("%s.env[%d].valueFrom", path, i)
		if env.ValueFrom == nil {
			continue
		}
		if ref := env.ValueFrom.SecretKeyRef; ref != nil {
			p.use("Secret", ref.Name, at+".secretKeyRef.name", ref.Optional)
		}
		if ref := env.ValueFrom.ConfigMapKeyRef; ref != nil {
			p.use("ConfigMap", ref.Name, at+".configMapKeyRef.name", ref.Optional)
		}
	}
}

func (p *pod) volume(v *corev1.VolumeSource, path string) {
	switch {
	case v.Secret != nil:
		p.use("Secret", v.Secret.SecretName, path+".secret.secretName", v.Secret.Optional)
	case v.ConfigMap != nil:
		p.use("ConfigMap", v.ConfigMap.Name, path+".configMap.name", v.ConfigMap.Optional)
	case v.PersistentVolumeClaim != nil:
		p.use("PersistentVolumeClaim", v.PersistentVolumeClaim.ClaimName, path+".persistentVolumeClaim.claimName", nil)
	case v.Projected != nil:
		for i, from := range v.Projected.Sources {
			at := fmt.Sprintf("%s.projected.sources[%d]", path, i)
			if from.Secret != nil {
				p.use("Secret", from.Secret.Name, at+".secret.name", from.Secret.Optional)
			}
			if from.ConfigMap != nil {
				p.use("ConfigMap", from.ConfigMap.Name, at+".configMap.name", from.ConfigMap.Optional)
			}
		}
	}
}

// claimNeeds are the class and the volume that a claim names.
func claimNeeds(o *manifest.Object) (all []need) {
	spec, _ := o.Body()["spec"].(map[string]any)
	if class, _ := spec["storageClassName"].(string); class != "" {
		all = append(all, need{manifest.Key{Group: "storage.k8s.io", Kind: "StorageClass", Name: class}, "spec.storageClassName"})
	}
	if volume, _ := spec["volumeName"].(string); volume != "" {
		all = append(all, need{manifest.Key{Kind: "PersistentVolume", Name: volume}, "spec.volumeName"})
	}
	return all
}

// scalerNeeds is what an autoscaler scales: without it, it is Degraded.
func scalerNeeds(o *manifest.Object) []need {
	spec, _ := o.Body()["spec"].(map[string]any)
	ref, _ := spec["scaleTargetRef"].(map[string]any)
	apiVersion, _ := ref["apiVersion"].(string)
	kind, _ := ref["kind"].(string)
	name, _ := ref["name"].(string)
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err != nil || kind == "" || name == "" {
		return nil
	}
	return []need{{manifest.Key{Group: gv.Group, Kind: kind, Namespace: o.Key.Namespace, Name: name}, "spec.scaleTargetRef.name"}}
}

// makes lists the objects that come with one: itself, and the Secret that a controller
// makes of it.
func makes(o *manifest.Object) []manifest.Key {
	all := []manifest.Key{o.Key}
	secret := func(path ...string) {
		name := o.Key.Name
		if v, _ := at(o.Body(), path...).(string); v != "" {
			name = v
		}
		all = append(all, manifest.Key{Kind: "Secret", Namespace: o.Key.Namespace, Name: name})
	}
	switch o.Key.GroupKind() {
	case schema.GroupKind{Group: "bitnami.com", Kind: "SealedSecret"}:
		secret("spec", "template", "metadata", "name")
	case schema.GroupKind{Group: "external-secrets.io", Kind: "ExternalSecret"}:
		secret("spec", "target", "name")
	case schema.GroupKind{Group: "cert-manager.io", Kind: "Certificate"}:
		if name, _ := at(o.Body(), "spec", "secretName").(string); name != "" {
			secret("spec", "secretName")
		}
	}
	return all
}

// at goes down maps.
func at(v any, path ...string) any {
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

// unwatched says that a wave does not wait for the health of an object.
func unwatched(o *manifest.Object) bool {
	return o.Annotations[api.AnnotationIgnoreHealthCheck] == "true"
}
