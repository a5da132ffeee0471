package health

import (
	"slices"
	"strings"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/tidelock-io/tidelock/agent/api"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A Custom is a check that comes before the built-in ones. It returns false to
// leave the object to them.
type Custom func(object map[string]any) (Health, bool)

// Of judges a live object, from the object only. Custom may be nil. An object of a
// kind that nobody can judge has the zero Health, and does not count.
func Of(object map[string]any, custom Custom) Health {
	u := &unstructured.Unstructured{Object: object}
	// A hook that is deleted while it runs stays, by our finalizer, until its
	// outcome was seen.
	if u.GetDeletionTimestamp() != nil && !slices.Contains(u.GetFinalizers(), api.FinalizerHook) {
		return Health{api.HealthProgressing, "Pending deletion"}
	}
	if custom != nil {
		if verdict, ok := custom(object); ok {
			return verdict
		}
	}
	if verdict, ok := checkOf(u.GroupVersionKind().GroupKind())(u); ok {
		return verdict
	}
	return byConditions(u)
}

// checks are the kinds whose health is read in a way of their own. A check returns
// false to leave the object to its conditions.
var checks = map[schema.GroupKind]func(*unstructured.Unstructured) (Health, bool){
	{Group: "apps", Kind: "Deployment"}:                     deployment,
	{Group: "apps", Kind: "StatefulSet"}:                    byKstatus,
	{Group: "apps", Kind: "DaemonSet"}:                      daemonSet,
	{Group: "apps", Kind: "ReplicaSet"}:                     replicaSet,
	{Group: "batch", Kind: "CronJob"}:                       cronJob,
	{Group: "batch", Kind: "Job"}:                           job,
	{Kind: "Pod"}:                                           pod,
	{Kind: "PersistentVolumeClaim"}:                         claim,
	{Kind: "Service"}:                                       service,
	{Group: "networking.k8s.io", Kind: "Ingress"}:           always,
	{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}: autoscaler,
	{Group: "apiregistration.k8s.io", Kind: "APIService"}:   apiService,
	{Group: definitions, Kind: "CustomResourceDefinition"}:  byKstatus,
	{Group: "bitnami.com", Kind: "SealedSecret"}:            sealedSecret,

	{Group: argo, Kind: "Application"}:    application,
	{Group: argo, Kind: "ApplicationSet"}: applicationSet,
	{Group: argo, Kind: "Workflow"}:       workflow,
	{Group: argo, Kind: "CronWorkflow"}:   cronWorkflow,
	{Group: argo, Kind: "Rollout"}:        rollout,
	{Group: argo, Kind: "AnalysisRun"}:    analysis,
	{Group: argo, Kind: "Experiment"}:     analysis,

	{Group: externalSecrets, Kind: "ExternalSecret"}:        ready,
	{Group: externalSecrets, Kind: "ClusterExternalSecret"}: ready,
	{Group: externalSecrets, Kind: "SecretStore"}:           ready,
	{Group: externalSecrets, Kind: "ClusterSecretStore"}:    ready,
	{Group: externalSecrets, Kind: "PushSecret"}:            ready,
	{Group: externalSecrets, Kind: "ClusterPushSecret"}:     ready,

	{Group: certManager, Kind: "Certificate"}:         certificate,
	{Group: certManager, Kind: "CertificateRequest"}:  certificateRequest,
	{Group: certManager, Kind: "Issuer"}:              ready,
	{Group: certManager, Kind: "ClusterIssuer"}:       ready,
	{Group: "acme." + certManager, Kind: "Order"}:     acme,
	{Group: "acme." + certManager, Kind: "Challenge"}: acme,

	{Group: gatewayAPI, Kind: "GatewayClass"}: gatewayClass,
	{Group: gatewayAPI, Kind: "Gateway"}:      gateway,
	{Group: gatewayAPI, Kind: "HTTPRoute"}:    route,
	{Group: gatewayAPI, Kind: "GRPCRoute"}:    route,
	{Group: gatewayAPI, Kind: "TLSRoute"}:     route,
	{Group: gatewayAPI, Kind: "TCPRoute"}:     route,
	{Group: gatewayAPI, Kind: "UDPRoute"}:     route,
}

// families are checks of all kinds of groups that end so.
var families = []struct {
	suffix string
	check  func(*unstructured.Unstructured) (Health, bool)
}{
	{".toolkit.fluxcd.io", flux},
	{".knative.dev", knative},
	{".crossplane.io", crossplane},
	{".upbound.io", crossplane},
}

// The API groups of several kinds.
const (
	argo            = "argoproj.io"
	certManager     = "cert-manager.io"
	definitions     = "apiextensions.k8s.io"
	externalSecrets = "external-secrets.io"
	gatewayAPI      = "gateway.networking.k8s.io"
)

// checkOf returns the check of a kind.
func checkOf(kind schema.GroupKind) func(*unstructured.Unstructured) (Health, bool) {
	if check, ok := checks[kind]; ok {
		return check
	}
	for _, f := range families {
		if strings.HasSuffix(kind.Group, f.suffix) {
			return f.check
		}
	}
	return func(*unstructured.Unstructured) (Health, bool) { return Health{}, false }
}

// byKstatus leaves the judgement to kstatus, where it is Argo CD's, too.
func byKstatus(u *unstructured.Unstructured) (Health, bool) {
	result, err := status.Compute(u)
	if err != nil {
		return Health{api.HealthUnknown, err.Error()}, true
	}
	switch result.Status {
	case status.CurrentStatus:
		return Healthy, true
	case status.FailedStatus:
		return Health{api.HealthDegraded, result.Message}, true
	case status.InProgressStatus, status.TerminatingStatus:
		return Health{api.HealthProgressing, result.Message}, true
	case status.NotFoundStatus:
		return Health{api.HealthMissing, result.Message}, true
	}
	return Health{api.HealthUnknown, result.Message}, true
}

func always(*unstructured.Unstructured) (Health, bool) { return Healthy, true }

func deployment(u *unstructured.Unstructured) (Health, bool) {
	paused, _, _ := unstructured.NestedBool(u.Object, "spec", "paused")
	if paused {
		return Health{api.HealthSuspended, "Deployment is paused"}, true
	}
	return byKstatus(u)
}

// job is Progressing until it is complete; kstatus calls a running Job current.
func job(u *unstructured.Unstructured) (Health, bool) {
	if c, ok := condition(u, "Failed"); ok && c.Status == "True" {
		return Health{api.HealthDegraded, c.Message}, true
	}
	if c, ok := condition(u, "Complete"); ok && c.Status == "True" {
		return Healthy, true
	}
	if c, ok := condition(u, "Suspended"); ok && c.Status == "True" {
		return Health{api.HealthSuspended, c.Message}, true
	}
	return Health{api.HealthProgressing, "Job is running"}, true
}

// daemonSet with update strategy OnDelete does not update by itself.
func daemonSet(u *unstructured.Unstructured) (Health, bool) {
	if text(u, "spec", "updateStrategy", "type") == "OnDelete" && observed(u) {
		return Healthy, true
	}
	return byKstatus(u)
}

func observed(u *unstructured.Unstructured) bool {
	seen, _, _ := unstructured.NestedInt64(u.Object, "status", "observedGeneration")
	return seen >= u.GetGeneration()
}

func replicaSet(u *unstructured.Unstructured) (Health, bool) {
	if c, _ := condition(u, "ReplicaFailure"); c.Status == "True" && observed(u) {
		return Health{api.HealthDegraded, c.Message}, true
	}
	return byKstatus(u)
}

func claim(u *unstructured.Unstructured) (Health, bool) {
	switch text(u, "status", "phase") {
	case "Lost":
		return Health{api.HealthDegraded, "PersistentVolumeClaim has lost its volume"}, true
	case "Bound":
		return Healthy, true
	}
	return Health{api.HealthProgressing, "PersistentVolumeClaim is not bound yet"}, true
}

// service of type LoadBalancer is Progressing until it has an address.
func service(u *unstructured.Unstructured) (Health, bool) {
	addresses, _, _ := unstructured.NestedSlice(u.Object, "status", "loadBalancer", "ingress")
	if text(u, "spec", "type") == "LoadBalancer" && len(addresses) == 0 {
		return Health{api.HealthProgressing, "waiting for the load balancer"}, true
	}
	return Healthy, true
}

// autoscaler takes the first condition that says anything, as Argo CD does.
func autoscaler(u *unstructured.Unstructured) (Health, bool) {
	for _, c := range conditions(u) {
		switch {
		case c.Type == "AbleToScale" && (c.Reason == "FailedGetScale" || c.Reason == "FailedUpdateScale"),
			c.Type == "ScalingActive" && (c.Reason == "FailedGetResourceMetric" || c.Reason == "InvalidSelector"):
			return Health{api.HealthDegraded, c.Message}, true
		case (c.Type == "AbleToScale" || c.Type == "ScalingLimited") && c.Status == "True":
			return Healthy, true
		}
	}
	return Health{api.HealthProgressing, "waiting to autoscale"}, true
}

func apiService(u *unstructured.Unstructured) (Health, bool) {
	c, _ := condition(u, "Available")
	if c.Status == "True" {
		return Healthy, true
	}
	return Health{api.HealthProgressing, c.Message}, true
}

// text returns a string field, "" if it is not there.
func text(u *unstructured.Unstructured, path ...string) string {
	s, _, _ := unstructured.NestedString(u.Object, path...)
	return s
}
