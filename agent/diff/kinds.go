package diff

import (
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A KindRule names kinds, as resource.exclusions and resource.inclusions of
// argocd-cm do. Groups and clusters are globs; a list that is empty names all.
type KindRule struct {
	APIGroups []string `json:"apiGroups,omitempty"`
	Kinds     []string `json:"kinds,omitempty"`
	Clusters  []string `json:"clusters,omitempty"`
}

// Kinds say which kinds the agent leaves alone: it neither watches nor applies
// them. The zero Kinds leave alone those that Argo CD leaves alone by default.
type Kinds struct {
	// Exclusions are in the place of the usual ones, if not nil.
	Exclusions []KindRule
	// Inclusions, if there are any, are all that is not excluded.
	Inclusions []KindRule
}

// never are the kinds that are left alone whatever argocd-cm says.
var never = []KindRule{
	{APIGroups: []string{"events.k8s.io", "metrics.k8s.io"}},
	{APIGroups: []string{""}, Kinds: []string{"Event", "Node"}},
	{APIGroups: []string{"coordination.k8s.io"}, Kinds: []string{"Lease"}},
}

// usual are the kinds that Argo CD's own argocd-cm excludes (SEMANTICS.md 2.14).
var usual = []KindRule{
	{APIGroups: []string{"", "discovery.k8s.io"}, Kinds: []string{"Endpoints", "EndpointSlice"}},
	{APIGroups: []string{"authentication.k8s.io", "authorization.k8s.io"}, Kinds: []string{
		"SelfSubjectReview", "TokenReview", "LocalSubjectAccessReview", "SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview",
	}},
	{APIGroups: []string{"certificates.k8s.io"}, Kinds: []string{"CertificateSigningRequest"}},
	{APIGroups: []string{"cert-manager.io"}, Kinds: []string{"CertificateRequest"}},
	{APIGroups: []string{"cilium.io"}, Kinds: []string{"CiliumIdentity", "CiliumEndpoint", "CiliumEndpointSlice"}},
	{APIGroups: []string{"kyverno.io", "reports.kyverno.io", "wgpolicyk8s.io"}, Kinds: []string{
		"PolicyReport", "ClusterPolicyReport", "EphemeralReport", "ClusterEphemeralReport", "AdmissionReport",
		"ClusterAdmissionReport", "BackgroundScanReport", "ClusterBackgroundScanReport", "UpdateRequest",
	}},
}

// Excludes says that a kind is left alone in a cluster, which is named by its
// URL.
func (k Kinds) Excludes(kind schema.GroupKind, cluster string) bool {
	exclusions := k.Exclusions
	if exclusions == nil {
		exclusions = usual
	}
	return names(never, kind, cluster) || names(exclusions, kind, cluster) ||
		len(k.Inclusions) > 0 && !names(k.Inclusions, kind, cluster)
}

func names(rules []KindRule, kind schema.GroupKind, cluster string) bool {
	return slices.ContainsFunc(rules, func(r KindRule) bool {
		return anyOf(r.APIGroups, kind.Group, matchesGlob) && anyOf(r.Clusters, cluster, matchesURL) &&
			anyOf(r.Kinds, kind.Kind, func(pattern, text string) bool { return pattern == "*" || strings.EqualFold(pattern, text) })
	})
}

func anyOf(patterns []string, text string, matches func(pattern, text string) bool) bool {
	return len(patterns) == 0 || slices.ContainsFunc(patterns, func(pattern string) bool { return matches(pattern, text) })
}

func matchesGlob(pattern, text string) bool {
	ok, err := path.Match(pattern, text)
	return ok && err == nil
}

// matchesURL is a glob of which * stands for slashes, too.
func matchesURL(pattern, text string) bool {
	slash := strings.NewReplacer("/", "\x00")
	return matchesGlob(slash.Replace(pattern), slash.Replace(text))
}
