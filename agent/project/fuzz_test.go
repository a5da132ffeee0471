package project

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// FuzzRules puts one pattern into every list, and one text against each: nothing panics,
// a verdict has a reason if and only if it refuses, on one line, and a denial refuses
// what its pattern permits.
func FuzzRules(f *testing.F) {
	for _, seed := range [][2]string{
		{"*", "shop"}, {"!shop", "shop"}, {"!*", "shop"}, {"/^(?!a).*$/", "b"}, {"/", "/"}, {"{b*,b}a", "ba"}, {"a{", "a"},
		{"[a-", "a"}, {"https://git.example/**", "https://git.example/a/../b"}, {"git@git.example:*/*", "git@git.example:a/b.git"},
		{"*{b*,b}a", "ba"}, {"\\", "\\"}, {"", ""}, {"!", "!"}, {".git", ".git"}, {"/(a+)+$/", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa!"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		r, err := New(everyList(pattern), Scoped{Repositories: []string{pattern}, Clusters: []Cluster{{Server: pattern, Name: pattern, Namespaces: []string{pattern}}}})
		if err != nil {
			return
		}
		key := manifest.Key{Group: text, Kind: text, Namespace: text, Name: text}
		dest := api.Destination{Server: text, Name: text}
		_, user := r.User(&api.Application{}, dest)
		for _, v := range []Verdict{r.Source(text), r.Destination(dest, text), r.Namespace(text, "argocd"), r.Object(key, true, dest), r.Object(key, false, dest), user} {
			if v.Allowed != (v.Reason == "") || strings.ContainsAny(v.Reason, "\r\n\x1b") {
				t.Errorf("allowed %v, reason %q", v.Allowed, v.Reason)
			}
		}
		denialRefuses(t, pattern, text)
	})
}

// everyList is a project that has a pattern in each of its lists.
func everyList(pattern string) *api.AppProject {
	kinds := []metav1.GroupKind{{Group: pattern, Kind: pattern}}
	named := []api.ClusterResource{{Group: pattern, Kind: pattern, Name: pattern}}
	return &api.AppProject{ObjectMeta: metav1.ObjectMeta{Name: pattern}, Spec: api.AppProjectSpec{
		SourceRepos:                []string{pattern},
		Destinations:               []api.Destination{{Server: pattern, Name: pattern, Namespace: pattern}},
		ClusterResourceWhitelist:   named,
		ClusterResourceBlacklist:   named,
		NamespaceResourceWhitelist: kinds,
		NamespaceResourceBlacklist: kinds,
		SourceNamespaces:           []string{pattern},
		DestinationServiceAccounts: []api.DestinationServiceAccount{{Server: pattern, Namespace: pattern, DefaultServiceAccount: pattern}},
	}}
}

func denialRefuses(t *testing.T, pattern, text string) {
	spec := func(repos ...string) *api.AppProject {
		return &api.AppProject{Spec: api.AppProjectSpec{SourceRepos: repos}}
	}
	permits, err := New(spec(pattern), Scoped{})
	if err != nil || strings.HasPrefix(strings.TrimSpace(pattern), "!") || !permits.Source(text).Allowed {
		return
	}
	denies, err := New(spec("*", "!"+pattern), Scoped{})
	if err == nil && denies.Source(text).Allowed {
		t.Errorf("%q permits %q, and !%[1]s does not refuse it", pattern, text)
	}
}
