package install

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// service is where webhooks and Prometheus come to.
func (o Options) service() *corev1.Service {
	return &corev1.Service{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Service"}, ObjectMeta: o.meta(),
		Spec: corev1.ServiceSpec{Selector: selector(), Ports: []corev1.ServicePort{
			{Name: webhookPort, Port: 80, TargetPort: intstr.FromString(webhookPort), Protocol: corev1.ProtocolTCP},
			{Name: metricsPort, Port: 8082, TargetPort: intstr.FromString(metricsPort), Protocol: corev1.ProtocolTCP},
		}},
	}
}

// networkPolicy lets nothing in but to the two ports, and replicas to each other's.
// What the agent has to reach is not known here: Git servers, registries, key services,
// the API server.
func (o Options) networkPolicy() *networkingv1.NetworkPolicy {
	tcp := corev1.ProtocolTCP
	return &networkingv1.NetworkPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: networkingv1.SchemeGroupVersion.String(), Kind: "NetworkPolicy"},
		ObjectMeta: o.meta(),
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: selector()},
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress},
			Ingress: []networkingv1.NetworkPolicyIngressRule{{Ports: []networkingv1.NetworkPolicyPort{
				{Protocol: &tcp, Port: new(intstr.FromString(webhookPort))},
				{Protocol: &tcp, Port: new(intstr.FromString(metricsPort))},
			}}, {
				From:  []networkingv1.NetworkPolicyPeer{{PodSelector: &metav1.LabelSelector{MatchLabels: selector()}}},
				Ports: []networkingv1.NetworkPolicyPort{{Protocol: &tcp, Port: new(intstr.FromString(peersPort))}},
			}},
		},
	}
}
