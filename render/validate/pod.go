package validate

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// A pod is looked at as a whole: containers, and the volumes that they mount.
type pod struct {
	r      *report
	spec   *corev1.PodSpec
	at     *field.Path
	claims map[string]bool // of a StatefulSet, which become volumes

	volumes map[string]bool
	names   map[string]string // of containers: where
}

func (p *pod) check() {
	p.volumes, p.names = map[string]bool{}, map[string]string{}
	for name := range p.claims {
		p.volumes[name] = true
	}
	for i := range p.spec.Volumes {
		p.volume(p.at.Child("volumes").Index(i), &p.spec.Volumes[i])
	}
	if len(p.spec.Containers) == 0 {
		p.r.at(RuleRequired, p.at.Child("containers"), "there must be one, at least")
	}
	for i := range p.spec.InitContainers {
		c := &p.spec.InitContainers[i]
		at := p.at.Child("initContainers").Index(i)
		p.container(at, c)
		if c.RestartPolicy == nil || *c.RestartPolicy != corev1.ContainerRestartPolicyAlways {
			p.noProbes(at, c)
		}
	}
	for i := range p.spec.Containers {
		p.container(p.at.Child("containers").Index(i), &p.spec.Containers[i])
	}
	if share := p.spec.ShareProcessNamespace; p.spec.HostPID && share != nil && *share {
		p.r.at(RuleConflict, p.at.Child("shareProcessNamespace"), "it cannot be true when hostPID is")
	}
	p.hostPorts()
	p.placement()
	p.rest()
}

// noProbes: a container that is to end has none.
func (p *pod) noProbes(at *field.Path, c *corev1.Container) {
	for name, probe := range map[string]*corev1.Probe{"livenessProbe": c.LivenessProbe, "readinessProbe": c.ReadinessProbe, "startupProbe": c.StartupProbe} {
		if probe != nil {
			p.r.at(RuleConflict, at.Child(name), "an init container has none, unless its restartPolicy is Always")
		}
	}
	if c.Lifecycle != nil {
		p.r.at(RuleConflict, at.Child("lifecycle"), "an init container has none, unless its restartPolicy is Always")
	}
}

// volume looks at one, which has just one source.
func (p *pod) volume(at *field.Path, v *corev1.Volume) {
	p.r.names(RuleName, at.Child("name"), v.Name, validation.IsDNS1123Label(v.Name))
	if p.volumes[v.Name] && p.claims[v.Name] {
		p.claims[v.Name] = false // the claim takes its place
	}
	p.volumes[v.Name] = true
	if has := stated(&v.VolumeSource); len(has) > 0 { // without one it is an emptyDir
		p.just("source", at, has)
	}
	switch {
	case v.ConfigMap != nil:
		if v.ConfigMap.Name == "" {
			p.r.at(RuleRequired, at.Child("configMap", "name"), "it must not be empty")
		}
		p.mode(at.Child("configMap", "defaultMode"), v.ConfigMap.DefaultMode)
		p.items(at.Child("configMap", "items"), v.ConfigMap.Items)
	case v.Secret != nil:
		if v.Secret.SecretName == "" {
			p.r.at(RuleRequired, at.Child("secret", "secretName"), "it must not be empty")
		}
		p.mode(at.Child("secret", "defaultMode"), v.Secret.DefaultMode)
		p.items(at.Child("secret", "items"), v.Secret.Items)
	case v.Projected != nil:
		p.mode(at.Child("projected", "defaultMode"), v.Projected.DefaultMode)
		for i := range v.Projected.Sources {
			if has := stated(&v.Projected.Sources[i]); len(has) > 0 {
				p.just("source", at.Child("projected", "sources").Index(i), has)
			}
		}
	case v.HostPath != nil:
		if slices.Contains(strings.Split(v.HostPath.Path, "/"), "..") {
			p.r.at(RuleValue, at.Child("hostPath", "path"), "it must not contain ..")
		}
	case v.PersistentVolumeClaim != nil:
		if v.PersistentVolumeClaim.ClaimName == "" {
			p.r.at(RuleRequired, at.Child("persistentVolumeClaim", "claimName"), "it must not be empty")
		}
	}
}

func (p *pod) mode(at *field.Path, mode *int32) {
	if mode != nil && (*mode < 0 || *mode > 0o777) {
		p.r.add(RuleValue, at.String(), fmt.Sprintf("%d is none of 0 to 0777", *mode), "write it in octal: 0644 is 420")
	}
}

func (p *pod) items(at *field.Path, items []corev1.KeyToPath) {
	for i, item := range items {
		if item.Key == "" {
			p.r.at(RuleRequired, at.Index(i).Child("key"), "it must not be empty")
		}
		if item.Path == "" || strings.HasPrefix(item.Path, "/") || slices.Contains(strings.Split(item.Path, "/"), "..") {
			p.r.at(RuleValue, at.Index(i).Child("path"), "it must be a path below the mount's, without ..")
		}
		p.mode(at.Index(i).Child("mode"), item.Mode)
	}
}

// stated returns the names of a structure's fields that are set.
func stated(of any) []string {
	var names []string
	v := reflect.ValueOf(of).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Pointer && !f.IsNil() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			names = append(names, name)
		}
	}
	return names
}

// just demands one of the fields of a union.
func (p *pod) just(what string, at *field.Path, has []string) { p.r.just(what, at, has) }

func (r *report) just(what string, at *field.Path, has []string) {
	switch len(has) {
	case 0:
		r.at(RuleChoice, at, "it has no %s", what)
	case 1:
	default:
		r.add(RuleChoice, at.Child(has[1]).String(), fmt.Sprintf("more than one %s: %s", what, strings.Join(has, ", ")), "keep one of them")
	}
}

// hostPorts: two containers of a pod cannot have the same port of its node.
func (p *pod) hostPorts() {
	seen := map[string]bool{}
	for i, c := range p.spec.Containers {
		for j, port := range c.Ports {
			at := p.at.Child("containers").Index(i).Child("ports").Index(j)
			if port.HostPort == 0 {
				continue
			}
			key := fmt.Sprint(port.HostPort, port.Protocol, port.HostIP)
			if seen[key] {
				p.r.at(RuleDuplicate, at.Child("hostPort"), "%d is another port's, too", port.HostPort)
			}
			seen[key] = true
			if p.spec.HostNetwork && port.HostPort != port.ContainerPort {
				p.r.at(RuleConflict, at.Child("hostPort"), "it must be as containerPort in the network of the host")
			}
		}
	}
}

// placement looks at what chooses a node.
func (p *pod) placement() {
	p.r.labels(p.at.Child("nodeSelector").String(), p.spec.NodeSelector)
	for i, t := range p.spec.Tolerations {
		at := p.at.Child("tolerations").Index(i)
		if t.Key != "" {
			p.r.names(RuleLabel, at.Child("key"), t.Key, validation.IsQualifiedName(t.Key))
		}
		if t.Operator == "" || t.Operator == corev1.TolerationOpEqual {
			p.r.names(RuleLabel, at.Child("value"), t.Value, validation.IsValidLabelValue(t.Value))
		}
		switch {
		case t.Key == "" && t.Operator != corev1.TolerationOpExists:
			p.r.at(RuleConflict, at.Child("operator"), "it must be Exists when there is no key")
		case t.Operator == corev1.TolerationOpExists && t.Value != "":
			p.r.at(RuleConflict, at.Child("value"), "it must be empty when the operator is Exists")
		case t.TolerationSeconds != nil && t.Effect != corev1.TaintEffectNoExecute:
			p.r.at(RuleConflict, at.Child("effect"), "it must be NoExecute when there are tolerationSeconds")
		}
	}
	for i, c := range p.spec.TopologySpreadConstraints {
		at := p.at.Child("topologySpreadConstraints").Index(i)
		if c.MaxSkew <= 0 {
			p.r.at(RuleValue, at.Child("maxSkew"), "%d: it must be more than 0", c.MaxSkew)
		}
		if c.TopologyKey == "" {
			p.r.at(RuleRequired, at.Child("topologyKey"), "it must not be empty")
		}
		p.r.selector(at.Child("labelSelector"), c.LabelSelector)
	}
	p.affinity()
}

func (p *pod) affinity() {
	a := p.spec.Affinity
	if a == nil {
		return
	}
	at := p.at.Child("affinity")
	if a.PodAffinity != nil {
		p.terms(at.Child("podAffinity"), a.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution, a.PodAffinity.PreferredDuringSchedulingIgnoredDuringExecution)
	}
	if a.PodAntiAffinity != nil {
		p.terms(at.Child("podAntiAffinity"), a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution, a.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution)
	}
	if a.NodeAffinity != nil {
		for i, t := range a.NodeAffinity.PreferredDuringSchedulingIgnoredDuringExecution {
			p.weight(at.Child("nodeAffinity", "preferredDuringSchedulingIgnoredDuringExecution").Index(i), t.Weight)
		}
	}
}

func (p *pod) terms(at *field.Path, required []corev1.PodAffinityTerm, preferred []corev1.WeightedPodAffinityTerm) {
	term := func(at *field.Path, t *corev1.PodAffinityTerm) {
		p.r.required(RuleLabel, at.Child("topologyKey"), t.TopologyKey, validation.IsQualifiedName)
		p.r.selector(at.Child("labelSelector"), t.LabelSelector)
	}
	for i := range required {
		term(at.Child("requiredDuringSchedulingIgnoredDuringExecution").Index(i), &required[i])
	}
	for i := range preferred {
		at := at.Child("preferredDuringSchedulingIgnoredDuringExecution").Index(i)
		p.weight(at, preferred[i].Weight)
		term(at.Child("podAffinityTerm"), &preferred[i].PodAffinityTerm)
	}
}

func (p *pod) weight(at *field.Path, weight int32) {
	if weight < 1 || weight > 100 {
		p.r.at(RuleValue, at.Child("weight"), "%d is none of 1 to 100", weight)
	}
}

func (p *pod) rest() {
	if name := p.spec.ServiceAccountName; name != "" {
		p.r.names(RuleName, p.at.Child("serviceAccountName"), name, validation.IsDNS1123Subdomain(name))
	}
	if p.spec.DNSPolicy == corev1.DNSNone && (p.spec.DNSConfig == nil || len(p.spec.DNSConfig.Nameservers) == 0) {
		p.r.at(RuleRequired, p.at.Child("dnsConfig", "nameservers"), "there must be one when dnsPolicy is None")
	}
	for i, alias := range p.spec.HostAliases {
		p.r.ip(p.at.Child("hostAliases").Index(i).Child("ip"), alias.IP)
	}
}
