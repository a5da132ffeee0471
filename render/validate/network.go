package validate

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func (r *report) ip(at *field.Path, text string) {
	if _, err := netip.ParseAddr(text); err != nil {
		r.at(RuleFormat, at, "%.60q is no IP address", text)
	}
}

func (r *report) cidr(at *field.Path, text string) {
	if _, err := netip.ParsePrefix(strings.TrimSpace(text)); err != nil {
		r.at(RuleFormat, at, "%.60q is no CIDR, such as 10.0.0.0/8", text)
	}
}

func service(r *report, o *corev1.Service) {
	r.labels(spec.Child("selector").String(), o.Spec.Selector)
	external := o.Spec.Type == corev1.ServiceTypeExternalName
	headless := o.Spec.ClusterIP == corev1.ClusterIPNone
	switch {
	case external:
		name := strings.TrimSuffix(o.Spec.ExternalName, ".")
		if name == "" {
			r.at(RuleRequired, spec.Child("externalName"), "it must be there when the type is ExternalName")
		} else {
			r.names(RuleFormat, spec.Child("externalName"), name, validation.IsDNS1123Subdomain(name))
		}
	case len(o.Spec.Ports) == 0 && !headless:
		r.at(RuleRequired, spec.Child("ports"), "there must be one, unless clusterIP is None")
	}
	if headless && (o.Spec.Type == corev1.ServiceTypeLoadBalancer || o.Spec.Type == corev1.ServiceTypeNodePort) {
		r.at(RuleConflict, spec.Child("clusterIP"), "it cannot be None when the type is %s", o.Spec.Type)
	}
	if ip := o.Spec.ClusterIP; ip != "" && !headless {
		r.ip(spec.Child("clusterIP"), ip)
	}
	for i, ip := range o.Spec.ExternalIPs {
		r.ip(spec.Child("externalIPs").Index(i), ip)
	}
	for i, cidr := range o.Spec.LoadBalancerSourceRanges {
		r.cidr(spec.Child("loadBalancerSourceRanges").Index(i), cidr)
	}
	if o.Spec.ExternalTrafficPolicy != "" && o.Spec.Type != corev1.ServiceTypeLoadBalancer && o.Spec.Type != corev1.ServiceTypeNodePort && len(o.Spec.ExternalIPs) == 0 {
		r.at(RuleConflict, spec.Child("externalTrafficPolicy"), "it is for the types NodePort and LoadBalancer")
	}
	r.servicePorts(o)
}

func (r *report) servicePorts(o *corev1.Service) {
	names := map[string]bool{}
	for i, p := range o.Spec.Ports {
		at := spec.Child("ports").Index(i)
		r.portNumber(at.Child("port"), p.Port)
		switch {
		case p.Name == "" && len(o.Spec.Ports) > 1:
			r.at(RuleRequired, at.Child("name"), "it must be there when there are several ports")
		case p.Name != "":
			r.names(RuleName, at.Child("name"), p.Name, validation.IsDNS1123Label(p.Name))
			if names[p.Name] {
				r.at(RuleDuplicate, at.Child("name"), "%q is the name of another port, too", p.Name)
			}
			names[p.Name] = true
		}
		if p.TargetPort.StrVal != "" {
			r.names(RuleName, at.Child("targetPort"), p.TargetPort.StrVal, validation.IsValidPortName(p.TargetPort.StrVal))
		} else if p.TargetPort.IntVal != 0 {
			r.portNumber(at.Child("targetPort"), p.TargetPort.IntVal)
		}
		if p.Protocol == "" && slices.ContainsFunc(o.Spec.Ports[:i], func(q corev1.ServicePort) bool {
			return q.Port == p.Port && (q.Protocol == "" || q.Protocol == corev1.ProtocolTCP)
		}) && !r.has(RuleDuplicate) {
			r.at(RuleDuplicate, at, "port %d is that of another item, too", p.Port)
		}
		if p.NodePort == 0 {
			continue
		}
		if o.Spec.Type != corev1.ServiceTypeNodePort && o.Spec.Type != corev1.ServiceTypeLoadBalancer {
			r.at(RuleConflict, at.Child("nodePort"), "it is for the types NodePort and LoadBalancer")
		}
	}
}

func ingress(r *report, o *networkingv1.Ingress) {
	if len(o.Spec.Rules) == 0 && o.Spec.DefaultBackend == nil {
		r.at(RuleChoice, spec, "there must be rules, or a defaultBackend")
	}
	if o.Spec.DefaultBackend != nil {
		r.backend(spec.Child("defaultBackend"), o.Spec.DefaultBackend)
	}
	if class := o.Spec.IngressClassName; class != nil {
		r.names(RuleName, spec.Child("ingressClassName"), *class, validation.IsDNS1123Subdomain(*class))
	}
	for i, t := range o.Spec.TLS {
		if t.SecretName != "" {
			r.names(RuleName, spec.Child("tls").Index(i).Child("secretName"), t.SecretName, validation.IsDNS1123Subdomain(t.SecretName))
		}
		for j, host := range t.Hosts {
			r.host(spec.Child("tls").Index(i).Child("hosts").Index(j), host)
		}
	}
	for i, rule := range o.Spec.Rules {
		at := spec.Child("rules").Index(i)
		if rule.Host != "" {
			r.host(at.Child("host"), rule.Host)
		}
		if rule.HTTP == nil {
			continue
		}
		if len(rule.HTTP.Paths) == 0 {
			r.at(RuleRequired, at.Child("http", "paths"), "there must be one, at least")
		}
		for j := range rule.HTTP.Paths {
			r.ingressPath(at.Child("http", "paths").Index(j), &rule.HTTP.Paths[j])
		}
	}
}

func (r *report) host(at *field.Path, host string) {
	if _, err := netip.ParseAddr(host); err == nil {
		r.at(RuleFormat, at, "%s is an IP address: it must be a name", host)
		return
	}
	check := validation.IsDNS1123Subdomain(host)
	if strings.Contains(host, "*") {
		check = validation.IsWildcardDNS1123Subdomain(host)
	}
	r.names(RuleFormat, at, host, check)
}

func (r *report) ingressPath(at *field.Path, p *networkingv1.HTTPIngressPath) {
	if p.PathType != nil && *p.PathType != networkingv1.PathTypeImplementationSpecific {
		switch {
		case !strings.HasPrefix(p.Path, "/"):
			r.at(RuleFormat, at.Child("path"), "it must begin with /")
		case strings.Contains(p.Path, "//") || strings.Contains(p.Path, "/./") || strings.Contains(p.Path, "/../") || strings.Contains(strings.ToLower(p.Path), "%2f"):
			r.at(RuleFormat, at.Child("path"), "%.60q contains //, /./, /../ or an encoded slash", p.Path)
		}
	}
	r.backend(at.Child("backend"), &p.Backend)
}

func (r *report) backend(at *field.Path, b *networkingv1.IngressBackend) {
	r.just("service or resource", at, stated(b))
	if b.Service == nil {
		return
	}
	at = at.Child("service")
	r.names(RuleName, at.Child("name"), b.Service.Name, validation.IsDNS1123Label(b.Service.Name))
	port := b.Service.Port
	switch {
	case port.Name == "" && port.Number == 0:
		r.at(RuleChoice, at.Child("port"), "it has neither name nor number")
	case port.Name != "" && port.Number != 0:
		r.at(RuleChoice, at.Child("port"), "it has a name and a number: keep one")
	case port.Name != "":
		r.names(RuleName, at.Child("port", "name"), port.Name, validation.IsValidPortName(port.Name))
	default:
		r.portNumber(at.Child("port", "number"), port.Number)
	}
}

func networkPolicy(r *report, o *networkingv1.NetworkPolicy) {
	r.selector(spec.Child("podSelector"), &o.Spec.PodSelector)
	if len(o.Spec.PolicyTypes) > 2 {
		r.at(RuleValue, spec.Child("policyTypes"), "there can be two")
	}
	for i, in := range o.Spec.Ingress {
		at := spec.Child("ingress").Index(i)
		r.policyPorts(at.Child("ports"), in.Ports)
		r.peers(at.Child("from"), in.From)
	}
	for i, out := range o.Spec.Egress {
		at := spec.Child("egress").Index(i)
		r.policyPorts(at.Child("ports"), out.Ports)
		r.peers(at.Child("to"), out.To)
	}
}

func (r *report) policyPorts(at *field.Path, ports []networkingv1.NetworkPolicyPort) {
	for i, p := range ports {
		at := at.Index(i)
		if p.Protocol != nil && *p.Protocol == "" {
			r.at(RuleValue, at.Child("protocol"), "it must be one of TCP, UDP, SCTP")
		}
		switch {
		case p.Port == nil:
			if p.EndPort != nil {
				r.at(RuleConflict, at.Child("endPort"), "there is no port beside it")
			}
		case p.Port.Type == intstr.String:
			r.names(RuleName, at.Child("port"), p.Port.StrVal, validation.IsValidPortName(p.Port.StrVal))
			if p.EndPort != nil {
				r.at(RuleConflict, at.Child("endPort"), "the port beside it must be a number")
			}
		default:
			r.portNumber(at.Child("port"), p.Port.IntVal)
			if p.EndPort != nil && *p.EndPort < p.Port.IntVal {
				r.at(RuleValue, at.Child("endPort"), "%d is less than the port", *p.EndPort)
			}
		}
	}
}

func (r *report) peers(at *field.Path, peers []networkingv1.NetworkPolicyPeer) {
	for i, p := range peers {
		at := at.Index(i)
		r.selector(at.Child("podSelector"), p.PodSelector)
		r.selector(at.Child("namespaceSelector"), p.NamespaceSelector)
		switch {
		case p.IPBlock == nil && p.PodSelector == nil && p.NamespaceSelector == nil:
			r.at(RuleChoice, at, "it has no podSelector, namespaceSelector or ipBlock")
		case p.IPBlock == nil:
		case p.PodSelector != nil || p.NamespaceSelector != nil:
			r.at(RuleChoice, at.Child("ipBlock"), "there is a selector beside it")
		default:
			r.block(at.Child("ipBlock"), p.IPBlock)
		}
	}
}

func (r *report) block(at *field.Path, b *networkingv1.IPBlock) {
	r.cidr(at.Child("cidr"), b.CIDR)
	whole, err := netip.ParsePrefix(b.CIDR)
	for i, text := range b.Except {
		at := at.Child("except").Index(i)
		part, bad := netip.ParsePrefix(text)
		if bad != nil {
			r.cidr(at, text)
		} else if err == nil && (!whole.Contains(part.Addr()) || part.Bits() <= whole.Bits()) {
			r.add(RuleValue, at.String(), fmt.Sprintf("%s is no part of %s", text, b.CIDR), "")
		}
	}
}
