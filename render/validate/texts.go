package validate

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// textForms are what the texts of fields must be, by schema and field: those that no
// other check looks at. Of lists it is each item.
var textForms = map[string]func(string) []string{
	"io.k8s.api.admissionregistration.v1.ServiceReference.path":                           unlessEmpty(rooted),
	"io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec.policyName": validation.IsDNS1123Subdomain,
	"io.k8s.api.admissionregistration.v1.ValidatingWebhook.admissionReviewVersions":       validation.IsDNS1035Label,
	"io.k8s.api.admissionregistration.v1.MutatingWebhook.admissionReviewVersions":         validation.IsDNS1035Label,
	"io.k8s.api.autoscaling.v2.ContainerResourceMetricSource.container":                   validation.IsDNS1123Label,
	"io.k8s.api.autoscaling.v2.ContainerResourceMetricSource.name":                        validation.IsQualifiedName,
	"io.k8s.api.batch.v1.PodFailurePolicyOnPodConditionsPattern.type":                     validation.IsQualifiedName,
	"io.k8s.api.core.v1.CSIPersistentVolumeSource.driver":                                 validation.IsDNS1123Subdomain,
	"io.k8s.api.core.v1.CSIVolumeSource.driver":                                           validation.IsDNS1123Subdomain,
	"io.k8s.api.core.v1.HTTPHeader.name":                                                  validation.IsHTTPHeaderName,
	"io.k8s.api.core.v1.HostAlias.hostnames":                                              validation.IsDNS1123Subdomain,
	"io.k8s.api.core.v1.NFSVolumeSource.path":                                             rooted,
	"io.k8s.api.core.v1.PodAffinityTerm.namespaces":                                       validation.IsDNS1123Label,
	"io.k8s.api.core.v1.PodDNSConfig.nameservers":                                         address,
	"io.k8s.api.core.v1.PodSpec.priorityClassName":                                        unlessEmpty(validation.IsDNS1123Subdomain),
	"io.k8s.api.core.v1.PodSpec.runtimeClassName":                                         validation.IsDNS1123Subdomain,
	"io.k8s.api.core.v1.PodSpec.hostname":                                                 unlessEmpty(validation.IsDNS1123Label),
	"io.k8s.api.core.v1.PodSpec.subdomain":                                                unlessEmpty(validation.IsDNS1123Label),
	"io.k8s.api.core.v1.ServicePort.appProtocol":                                          validation.IsQualifiedName,
	"io.k8s.api.core.v1.ServiceSpec.loadBalancerClass":                                    validation.IsQualifiedName,
	"io.k8s.api.discovery.v1.Endpoint.nodeName":                                           validation.IsDNS1123Subdomain,
	"io.k8s.api.discovery.v1.EndpointPort.name":                                           unlessEmpty(validation.IsDNS1123Label),
	"io.k8s.api.discovery.v1.EndpointSlice.addressType":                                   oneOf("FQDN", "IPv4", "IPv6"),
	"io.k8s.api.flowcontrol.v1.FlowDistinguisherMethod.type":                              oneOf("ByNamespace", "ByUser"),
	"io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationReference.name":                  validation.IsDNS1123Subdomain,
	"io.k8s.api.flowcontrol.v1.ServiceAccountSubject.namespace":                           validation.IsDNS1123Label,
	"io.k8s.api.flowcontrol.v1.Subject.kind":                                              oneOf("Group", "ServiceAccount", "User"),
	"io.k8s.api.networking.v1.IngressClassParametersReference.apiGroup":                   validation.IsDNS1123Subdomain,
	"io.k8s.api.networking.v1.IngressClassSpec.controller":                                prefixed,
	"io.k8s.api.node.v1.RuntimeClass.handler":                                             validation.IsDNS1123Label,
}

// ranges are the least and the most that numbers may be. Of lists it is each item.
var ranges = map[string][2]int64{
	"io.k8s.api.autoscaling.v2.HPAScalingRules.stabilizationWindowSeconds":                   {0, 3600},
	"io.k8s.api.coordination.v1.LeaseSpec.leaseDurationSeconds":                              {1, math.MaxInt32},
	"io.k8s.api.core.v1.ClientIPConfig.timeoutSeconds":                                       {1, 86400},
	"io.k8s.api.core.v1.PodSecurityContext.fsGroup":                                          {0, math.MaxInt32},
	"io.k8s.api.core.v1.PodSecurityContext.runAsGroup":                                       {0, math.MaxInt32},
	"io.k8s.api.core.v1.PodSecurityContext.runAsUser":                                        {0, math.MaxInt32},
	"io.k8s.api.core.v1.PodSecurityContext.supplementalGroups":                               {0, math.MaxInt32},
	"io.k8s.api.core.v1.Probe.terminationGracePeriodSeconds":                                 {1, math.MaxInt64},
	"io.k8s.api.core.v1.SecurityContext.runAsGroup":                                          {0, math.MaxInt32},
	"io.k8s.api.core.v1.SecurityContext.runAsUser":                                           {0, math.MaxInt32},
	"io.k8s.api.core.v1.ServiceAccountTokenProjection.expirationSeconds":                     {600, 1 << 32},
	"io.k8s.api.flowcontrol.v1.FlowSchemaSpec.matchingPrecedence":                            {1, 10000},
	"io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIServiceSpec.groupPriorityMinimum": {1, 20000},
	"io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIServiceSpec.versionPriority":      {1, 1000},
	"io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.ServiceReference.port":               {1, 65535},
}

// scalar looks at a text, a number, or a list of these.
func (r *report) scalar(path, field string, v any) {
	switch v := v.(type) {
	case []any:
		if textForms[field] != nil || ranges[field] != [2]int64{} {
			for i, item := range v {
				r.scalar(path+"["+strconv.Itoa(i)+"]", field, item)
			}
		}
	case string:
		if check := textForms[field]; check != nil {
			for _, text := range check(v) {
				r.add(RuleFormat, path, fmt.Sprintf("%.80q: %s", v, plainly(text)), "")
			}
		}
	case int64:
		if bounds, ok := ranges[field]; ok && (v < bounds[0] || v > bounds[1]) {
			r.add(RuleValue, path, fmt.Sprintf("%d is none of %d to %d", v, bounds[0], bounds[1]), "")
		}
	}
}

func rooted(text string) []string {
	if strings.HasPrefix(text, "/") {
		return nil
	}
	return []string{"it must begin with /"}
}

func address(text string) []string {
	if _, err := netip.ParseAddr(text); err != nil {
		return []string{"it is no IP address"}
	}
	return nil
}

func prefixed(text string) []string {
	var all []string
	for _, e := range validation.IsDomainPrefixedPath(field.NewPath("controller"), text) {
		all = append(all, e.Detail)
	}
	return all
}

func unlessEmpty(check func(string) []string) func(string) []string {
	return func(text string) []string {
		if text == "" {
			return nil
		}
		return check(text)
	}
}

func oneOf(values ...string) func(string) []string {
	return func(text string) []string {
		if slices.Contains(values, text) {
			return nil
		}
		return []string{"it is none of " + strings.Join(values, ", ")}
	}
}
