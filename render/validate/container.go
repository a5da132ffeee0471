package validate

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func (p *pod) container(at *field.Path, c *corev1.Container) {
	if c.Name != "" { // the schema demands one
		p.r.names(RuleName, at.Child("name"), c.Name, validation.IsDNS1123Label(c.Name))
	}
	if other := p.names[c.Name]; other != "" && listOf(other) != listOf(at.String()) { // of one list the schema tells
		p.r.at(RuleDuplicate, at.Child("name"), "%q is the name of %s, too", c.Name, other)
	}
	p.names[c.Name] = at.String()
	switch {
	case c.Image == "":
		p.r.at(RuleRequired, at.Child("image"), "it must be there")
	case strings.TrimSpace(c.Image) != c.Image:
		p.r.at(RuleValue, at.Child("image"), "there is a blank before or after it")
	default:
		p.image(at.Child("image"), c.Image)
	}
	ports := p.ports(at.Child("ports"), c.Ports)
	p.env(at, c)
	p.mounts(at, c)
	p.r.resources(at.Child("resources"), c.Resources.Requests, c.Resources.Limits)
	p.probe(at.Child("livenessProbe"), c.LivenessProbe, ports, true)
	p.probe(at.Child("readinessProbe"), c.ReadinessProbe, ports, false)
	p.probe(at.Child("startupProbe"), c.StartupProbe, ports, true)
	if c.Lifecycle != nil {
		p.hook(at.Child("lifecycle", "postStart"), c.Lifecycle.PostStart, ports)
		p.hook(at.Child("lifecycle", "preStop"), c.Lifecycle.PreStop, ports)
	}
	if s := c.SecurityContext; s != nil && s.Privileged != nil && *s.Privileged && s.AllowPrivilegeEscalation != nil && !*s.AllowPrivilegeEscalation {
		p.r.at(RuleConflict, at.Child("securityContext", "allowPrivilegeEscalation"), "it cannot be false when privileged is true")
	}
}

// ports returns the names of a container's ports.
func (p *pod) ports(at *field.Path, ports []corev1.ContainerPort) map[string]bool {
	names := map[string]bool{}
	for i, port := range ports {
		at := at.Index(i)
		p.r.portNumber(at.Child("containerPort"), port.ContainerPort)
		if port.HostPort != 0 {
			p.r.portNumber(at.Child("hostPort"), port.HostPort)
		}
		if port.Name == "" {
			continue
		}
		p.r.names(RuleName, at.Child("name"), port.Name, validation.IsValidPortName(port.Name))
		if names[port.Name] {
			p.r.at(RuleDuplicate, at.Child("name"), "%q is the name of another port, too", port.Name)
		}
		names[port.Name] = true
	}
	return names
}

func (r *report) portNumber(at *field.Path, n int32) {
	if n < 1 || n > 65535 {
		r.at(RulePort, at, "%d is no port: 1 to 65535 are", n)
	}
}

func (p *pod) env(at *field.Path, c *corev1.Container) {
	for i, e := range c.Env {
		at := at.Child("env").Index(i)
		if e.Name == "" {
			p.r.at(RuleRequired, at.Child("name"), "it must be there")
		} else {
			p.r.names(RuleName, at.Child("name"), e.Name, validation.IsRelaxedEnvVarName(e.Name))
		}
		if e.ValueFrom == nil {
			continue
		}
		if e.Value != "" {
			p.r.at(RuleChoice, at.Child("valueFrom"), "there is a value beside it")
		}
		p.just("source", at.Child("valueFrom"), stated(e.ValueFrom))
		p.valueFrom(at.Child("valueFrom"), e.ValueFrom)
	}
	for i := range c.EnvFrom {
		from, at := &c.EnvFrom[i], at.Child("envFrom").Index(i)
		p.just("source", at, stated(from))
		if from.ConfigMapRef != nil {
			p.r.required(RuleName, at.Child("configMapRef", "name"), from.ConfigMapRef.Name, validation.IsDNS1123Subdomain)
		}
		if from.SecretRef != nil {
			p.r.required(RuleName, at.Child("secretRef", "name"), from.SecretRef.Name, validation.IsDNS1123Subdomain)
		}
	}
}

// valueFrom looks at where a variable takes its value from.
func (p *pod) valueFrom(at *field.Path, from *corev1.EnvVarSource) {
	if ref := from.ConfigMapKeyRef; ref != nil {
		p.r.required(RuleName, at.Child("configMapKeyRef", "name"), ref.Name, validation.IsDNS1123Subdomain)
		p.r.required(RuleName, at.Child("configMapKeyRef", "key"), ref.Key, validation.IsConfigMapKey)
	}
	if ref := from.SecretKeyRef; ref != nil {
		p.r.required(RuleName, at.Child("secretKeyRef", "name"), ref.Name, validation.IsDNS1123Subdomain)
		p.r.required(RuleName, at.Child("secretKeyRef", "key"), ref.Key, validation.IsConfigMapKey)
	}
	if ref := from.FieldRef; ref != nil && ref.FieldPath == "" {
		p.r.at(RuleRequired, at.Child("fieldRef", "fieldPath"), "it must not be empty")
	}
	if ref := from.ResourceFieldRef; ref != nil {
		bound, resource, _ := strings.Cut(ref.Resource, ".")
		if bound != "limits" && bound != "requests" || !isResource(resource) {
			p.r.at(RuleValue, at.Child("resourceFieldRef", "resource"), "%.60q is none such as limits.cpu or requests.memory", ref.Resource)
		}
	}
}

func (p *pod) mounts(at *field.Path, c *corev1.Container) {
	for i, m := range c.VolumeMounts {
		at := at.Child("volumeMounts").Index(i)
		if !p.volumes[m.Name] {
			p.r.add(RuleMount, at.Child("name").String(), fmt.Sprintf("the pod has no volume %q", m.Name), p.volumeHint())
		}
		if m.MountPath == "" {
			p.r.at(RuleRequired, at.Child("mountPath"), "it must not be empty")
		}
		if m.SubPath != "" && m.SubPathExpr != "" {
			p.r.at(RuleChoice, at.Child("subPathExpr"), "there is a subPath beside it")
		}
	}
	for i, d := range c.VolumeDevices {
		if !p.volumes[d.Name] {
			p.r.add(RuleMount, at.Child("volumeDevices").Index(i).Child("name").String(), fmt.Sprintf("the pod has no volume %q", d.Name), p.volumeHint())
		}
	}
}

func (p *pod) volumeHint() string {
	var names []string
	for name := range p.volumes {
		names = append(names, name)
	}
	if len(names) == 0 {
		return "add it to volumes"
	}
	return "it has " + strings.Join(sorted(names), ", ")
}

func (p *pod) probe(at *field.Path, probe *corev1.Probe, ports map[string]bool, once bool) {
	if probe == nil {
		return
	}
	p.just("action", at, stated(&probe.ProbeHandler))
	for name, n := range map[string]int32{
		"initialDelaySeconds": probe.InitialDelaySeconds, "timeoutSeconds": probe.TimeoutSeconds, "periodSeconds": probe.PeriodSeconds,
		"successThreshold": probe.SuccessThreshold, "failureThreshold": probe.FailureThreshold,
	} {
		p.r.notNegative(at.Child(name), n)
	}
	if once && probe.SuccessThreshold > 1 {
		p.r.at(RuleValue, at.Child("successThreshold"), "it must be 1 for this probe")
	}
	switch {
	case probe.HTTPGet != nil:
		p.port(at.Child("httpGet", "port"), probe.HTTPGet.Port, ports)
	case probe.TCPSocket != nil:
		p.port(at.Child("tcpSocket", "port"), probe.TCPSocket.Port, ports)
	case probe.GRPC != nil:
		p.r.portNumber(at.Child("grpc", "port"), probe.GRPC.Port)
	case probe.Exec != nil && len(probe.Exec.Command) == 0:
		p.r.at(RuleRequired, at.Child("exec", "command"), "there must be one")
	}
}

func (p *pod) hook(at *field.Path, h *corev1.LifecycleHandler, ports map[string]bool) {
	if h == nil {
		return
	}
	p.just("action", at, stated(h))
	switch {
	case h.HTTPGet != nil:
		p.port(at.Child("httpGet", "port"), h.HTTPGet.Port, ports)
	case h.Sleep != nil:
		grace := int64(corev1.DefaultTerminationGracePeriodSeconds)
		if p.spec.TerminationGracePeriodSeconds != nil {
			grace = *p.spec.TerminationGracePeriodSeconds
		}
		if h.Sleep.Seconds < 0 || h.Sleep.Seconds > grace {
			p.r.at(RuleValue, at.Child("sleep", "seconds"), "%d is none of 0 to terminationGracePeriodSeconds, %d", h.Sleep.Seconds, grace)
		}
	case h.Exec != nil && len(h.Exec.Command) == 0:
		p.r.at(RuleRequired, at.Child("exec", "command"), "there must be one")
	}
}

// port is a number, or the name of one of the container's ports.
func (p *pod) port(at *field.Path, port intstr.IntOrString, names map[string]bool) {
	if port.Type == intstr.Int {
		p.r.portNumber(at, port.IntVal)
		return
	}
	if errs := validation.IsValidPortName(port.StrVal); len(errs) > 0 {
		p.r.names(RuleName, at, port.StrVal, errs)
		return
	}
	if names[port.StrVal] {
		return
	}
	hint := "name one of its ports so"
	if len(names) > 0 {
		var all []string
		for name := range names {
			all = append(all, name)
		}
		hint = "it has " + strings.Join(sorted(all), ", ")
	}
	p.r.add(RuleProbePort, at.String(), fmt.Sprintf("the container has no port of the name %q", port.StrVal), hint)
}

// resources compares requests with limits.
func (r *report) resources(at *field.Path, requests, limits corev1.ResourceList) {
	for list, values := range map[string]corev1.ResourceList{"requests": requests, "limits": limits} {
		for name, q := range values {
			at := keyed(at.Child(list).String(), string(name))
			if q.Sign() < 0 {
				r.add(RuleQuantity, at, q.String()+" is negative", "")
			}
			if !isResource(string(name)) {
				r.add(RuleValue, at, "there is no such resource", meant(string(name), nativeResources))
			}
		}
	}
	for name, q := range requests {
		limit, ok := limits[name]
		switch whole := overcommitted(string(name)); {
		case !whole && !ok:
			r.add(RuleRequired, keyed(at.Child("limits").String(), string(name)), "it must be there, and as the request", "")
		case !whole && q.Cmp(limit) != 0:
			r.add(RuleQuantity, keyed(at.Child("requests").String(), string(name)), fmt.Sprintf("%s is not the limit of %s, as it must be", q.String(), limit.String()), "")
		case ok && q.Cmp(limit) > 0:
			r.add(RuleQuantity, keyed(at.Child("requests").String(), string(name)), fmt.Sprintf("%s is more than the limit of %s", q.String(), limit.String()), "")
		}
	}
}

// overcommitted says whether containers may use more of a resource than they
// request.
func overcommitted(resource string) bool {
	native := !strings.Contains(resource, "/") || strings.Contains(resource, "kubernetes.io/")
	return native && !strings.HasPrefix(resource, "hugepages-")
}

var nativeResources = []string{"cpu", "memory", "ephemeral-storage", "storage"}

// isResource knows Kubernetes' own, and takes those of others by their form.
func isResource(name string) bool {
	if strings.Contains(name, "/") {
		return len(validation.IsQualifiedName(name)) == 0
	}
	for _, native := range nativeResources[:3] {
		if name == native {
			return true
		}
	}
	return strings.HasPrefix(name, "hugepages-")
}

// listOf is the path of the list that an item is in.
func listOf(item string) string { return item[:strings.LastIndexByte(item, '[')] }
