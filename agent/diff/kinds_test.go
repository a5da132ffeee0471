package diff

import (
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

func TestExcludedKinds(t *testing.T) {
	const server = "https://kubernetes.default.svc"
	const network = `[{apiGroups: [networking.k8s.io, "*.mesh.io"], kinds: [Ingress, gateway]}]`
	for _, tt := range []struct {
		name, exclusions, inclusions, kind string
		want                               bool
	}{
		{"2.14 Endpoints", "", "", "Endpoints", true},
		{"2.14 EndpointSlice", "", "", "EndpointSlice.discovery.k8s.io", true},
		{"2.14 Lease", "", "", "Lease.coordination.k8s.io", true},
		{"2.14 SelfSubjectReview", "", "", "SelfSubjectReview.authentication.k8s.io", true},
		{"2.14 TokenReview", "", "", "TokenReview.authentication.k8s.io", true},
		{"2.14 SubjectAccessReview", "", "", "SubjectAccessReview.authorization.k8s.io", true},
		{"2.14 CertificateSigningRequest", "", "", "CertificateSigningRequest.certificates.k8s.io", true},
		{"2.14 CertificateRequest", "", "", "CertificateRequest.cert-manager.io", true},
		{"2.14 CiliumIdentity", "", "", "CiliumIdentity.cilium.io", true},
		{"2.14 Kyverno reports", "", "", "PolicyReport.wgpolicyk8s.io", true},
		{"a neighbour of the excluded", "", "", "Certificate.cert-manager.io", false},
		{"the same kind of another group", "", "", "Lease.example.com", false},
		{"anything", "", "", "Deployment.apps", false},

		{"excluded", network, "", "Ingress.networking.k8s.io", true},
		{"a kind in other letters", network, "", "Gateway.east.mesh.io", true},
		{"an exclusion of one's own is in the place of the usual", network, "", "Endpoints", false},
		{"but some are never looked at", network, "", "Event", true},
		{"none excluded", "[]", "", "Endpoints", false},
		{"nor are nodes", "[]", "", "Node", true},
		{"a whole group", `[{apiGroups: [apps]}]`, "", "Deployment.apps", true},
		{"all kinds of it", `[{apiGroups: [apps], kinds: ["*"]}]`, "", "Deployment.apps", true},
		{"any group", `[{kinds: [Deployment]}]`, "", "Deployment.apps", true},
		{"another cluster", `[{kinds: [Deployment], clusters: ["https://10.0.0.1"]}]`, "", "Deployment.apps", false},
		{"clusters by glob", `[{kinds: [Deployment], clusters: ["*.default.svc"]}]`, "", "Deployment.apps", true},
		{"a broken glob", `[{apiGroups: ["["]}]`, "", "Deployment.apps", false},

		{"included", "", `[{apiGroups: [apps]}]`, "Deployment.apps", false},
		{"not included", "", `[{apiGroups: [apps]}]`, "Job.batch", true},
		{"included and excluded", `[{kinds: [Deployment]}]`, `[{apiGroups: [apps]}]`, "Deployment.apps", true},
		{"included, and usually excluded", "", `[{apiGroups: [""]}]`, "Endpoints", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var kinds Kinds
			for text, to := range map[string]*[]KindRule{tt.exclusions: &kinds.Exclusions, tt.inclusions: &kinds.Inclusions} {
				if err := yaml.UnmarshalStrict([]byte(text), to); err != nil {
					t.Fatal(err)
				}
			}
			if got := kinds.Excludes(schema.ParseGroupKind(tt.kind), server); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}
