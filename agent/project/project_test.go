package project

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
)

var local = api.Destination{Server: api.InClusterServer, Name: api.InClusterName}

// shop is the project "shop" with a spec in YAML.
func shop(t testing.TB, spec string) *api.AppProject {
	t.Helper()
	p := &api.AppProject{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}
	if err := yaml.UnmarshalStrict([]byte(spec), &p.Spec); err != nil {
		t.Fatal(err)
	}
	return p
}

func rules(t testing.TB, p *api.AppProject, scoped Scoped) *Rules {
	t.Helper()
	r, err := New(p, scoped)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// An address of a registry that files refer to is the one of sourceRepos, with oci://
// or without; a denial of either form holds.
func TestReference(t *testing.T) {
	for _, tt := range []struct{ repos, url, want string }{
		{`[ghcr.io/org/charts]`, "oci://ghcr.io/org/charts", ""},
		{`["oci://ghcr.io/org/charts"]`, "oci://ghcr.io/org/charts", ""},
		{`["*", "!ghcr.io/org/charts"]`, "oci://ghcr.io/org/charts", "denies ghcr.io/org/charts"},
		{`["*", "!oci://ghcr.io/org/charts"]`, "oci://ghcr.io/org/charts", "denies oci://ghcr.io/org/charts"},
		{`["ghcr.io/org/*"]`, "oci://ghcr.io/other/charts", "project shop: spec.sourceRepos permits no oci://ghcr.io/other/charts"},
		{`["https://git.example/*"]`, "https://git.example/bases", ""},
		{`["https://git.example/*"]`, "https://elsewhere.example/bases", "project shop: spec.sourceRepos permits no https://elsewhere.example/bases"},
	} {
		check(t, rules(t, shop(t, "sourceRepos: "+tt.repos), Scoped{}).Reference(tt.url), tt.want)
	}
}

// check wants a verdict: "" for permission, else a part of the reason.
func check(t *testing.T, got Verdict, want string) {
	t.Helper()
	switch {
	case got.Allowed != (want == ""):
		t.Errorf("allowed: %v, reason %q; want reason %q", got.Allowed, got.Reason, want)
	case !strings.Contains(got.Reason, want) || got.Allowed != (got.Reason == ""):
		t.Errorf("reason %q, want %q", got.Reason, want)
	case !got.Allowed && !strings.HasPrefix(got.Reason, "project shop: spec."):
		t.Errorf("reason %q names neither project nor field", got.Reason)
	}
}

func TestSource(t *testing.T) {
	for _, tt := range []struct{ name, repos, url, want string }{
		{"no list permits nothing", `[]`, "https://git.example/a/b", "spec.sourceRepos permits no https://git.example/a/b: add it"},
		{"1.8 sourceRepos: a lone star spans all", `["*"]`, "https://git.example/a/b/c.git", ""},
		{"a lone star permits what is no URL", `["*"]`, "https://git.example/%zz", ""},
		{"case and .git do not matter", `["https://GIT.example/Org/Repo.git"]`, "https://git.example/org/repo", ""},
		{"scheme matters", `["https://git.example/org/repo"]`, "http://git.example/org/repo", "permits no"},
		{"both forms of ssh are one", `["ssh://git@git.example/org/repo"]`, "git@git.example:org/repo.git", ""},
		{"ssh is not https", `["https://git.example/org/*"]`, "git@git.example:org/repo.git", "permits no git@git.example/org/repo"},
		{"1.8 sourceRepos: a star spans one segment", `["https://git.example/*"]`, "https://git.example/org/repo", "permits no"},
		{"two stars span segments", `["https://git.example/**"]`, "https://git.example/org/sub/repo", ""},
		{"a star in the host", `["https://*.example/org/repo"]`, "https://git.example/org/repo", ""},
		{"a question mark is one character", `["https://git.example/org/repo?"]`, "https://git.example/org/repo1", ""},
		{"brackets in the path are a class", `["https://git.example/org/[ab]*"]`, "https://git.example/org/cart", "permits no"},
		{"braces are no alternatives", `["https://git.example/{a,b}/*"]`, "https://git.example/a/repo", "permits no"},
		{"1.8 sourceRepos: a denial wins", `["!https://git.example/evil/*", "*"]`, "https://git.example/evil/repo", "spec.sourceRepos[0] denies https://git.example/evil/repo"},
		{"a denial wins over an exact entry", `["https://git.example/evil/repo", "!https://git.example/evil/*"]`, "https://git.example/evil/repo", "spec.sourceRepos[1] denies"},
		{"2.15 fact 22: a lone denial of repositories permits the rest", `["!https://git.example/evil/*"]`, "https://other.example/a/b", ""},
		{"a denial beside a permission permits the rest too", `["https://git.example/org/*", "!https://git.example/evil/*"]`, "https://other.example/a/b", ""},
		{"an oci chart has no scheme", `["ghcr.io/org/*"]`, "ghcr.io/org/charts", ""},
		{"dot segments are not read by patterns", `["https://git.example/org/**"]`, "https://git.example/org/../evil/repo", "without . and .. segments"},
		{"encoded dot segments neither", `["https://git.example/org/**"]`, "https://git.example/org/%2e%2e/evil", "without . and .. segments"},
		{"dot segments do not pass by a denial", `["*", "!https://git.example/evil/*"]`, "https://git.example/a/../evil/repo", "without . and .. segments"},
		{"what is no URL matches no pattern", `["https://git.example/*/*"]`, "https://git.example/%zz", "an address that is not a URL"},
		{"nor does it pass by a denial", `["*", "!https://git.example/evil/*"]`, "https://git.example/%zz", "an address that is not a URL"},
		{"an endless address is refused", `["https://**"]`, "https://" + strings.Repeat("a", 5000), "longer than any server takes"},
		{"a password is not shown", `["x"]`, "https://me:hunter2@git.example/a", "permits no https://git.example/a:"},
		{"a token is not shown", `["x"]`, "https://hunter2@git.example/a?token=hunter2#hunter2", "permits no https://git.example/a:"},
		{"nor is one in an ssh address", `["x"]`, "ssh://git:hunter2@git.example/a", "permits no git@git.example/a:"},
		{"nor one where nothing can be told apart", `["x"]`, "me:hunter2@git.example/a", "permits no me:…:"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := rules(t, shop(t, "sourceRepos: "+tt.repos), Scoped{}).Source(tt.url)
			check(t, got, tt.want)
			if strings.Contains(got.Reason, "hunter2") {
				t.Errorf("reason shows a credential: %s", got.Reason)
			}
		})
	}
}

func TestDestination(t *testing.T) {
	other := api.Destination{Server: "https://other:6443", Name: "other"}
	nameless := api.Destination{Server: "https://other:6443"}
	for _, tt := range []struct {
		name, destinations string
		dest               api.Destination
		namespace, want    string
	}{
		{"no list permits nothing", `[]`, local, "shop", "spec.destinations permits no namespace shop on cluster in-cluster: add {server: https://kubernetes.default.svc, namespace: shop}"},
		{"by server", `[{server: "https://kubernetes.default.svc", namespace: shop}]`, local, "shop", ""},
		{"by name", `[{name: in-cluster, namespace: shop}]`, local, "shop", ""},
		{"1.8 destinations: server or name, and namespace", `[{server: "https://wrong", name: in-cluster, namespace: shop}]`, local, "shop", ""},
		{"and namespace", `[{name: in-cluster, namespace: shop}]`, local, "cart", "permits no namespace cart"},
		{"1.8 destinations: globs have no separator", `[{server: "https://*", namespace: "team-*"}]`, other, "team-a", ""},
		{"braces are alternatives", `[{name: "{in-cluster,other}", namespace: "{shop,cart}"}]`, other, "cart", ""},
		{"no namespace is matched by *", `[{server: "*", namespace: "*"}]`, local, "", ""},
		{"no namespace is matched by none", `[{server: "*"}]`, local, "", ""},
		{"an entry without a namespace permits none", `[{server: "*"}]`, local, "shop", "permits no namespace shop"},
		{"an unknown cluster is refused", `[{server: "*", name: "*", namespace: "*"}]`, api.Destination{}, "shop", "cluster that is not known"},
		{"2.15 fact 22: a lone denied server permits the others", `[{server: "!https://other:6443", namespace: "*"}]`, local, "shop", ""},
		{"a denied server wins", `[{server: "*", namespace: "*"}, {server: "!https://other:6443", namespace: "*"}]`, other, "shop", "spec.destinations[1] denies namespace shop on cluster other"},
		{"a denied server only in the entry's namespaces", `[{server: "*", namespace: "*"}, {server: "!https://other:6443", namespace: kube-system}]`, other, "shop", ""},
		{"a denied name in all namespaces", `[{server: "*", namespace: "*"}, {name: "!other", namespace: kube-system}]`, other, "shop", "spec.destinations[1] denies"},
		{"a denied name refuses a cluster without one", `[{server: "*", namespace: "*"}, {name: "!prod", namespace: cart}]`, nameless, "shop", "spec.destinations[1] denies"},
		{"2.15 fact 22: a lone denied namespace permits the others", `[{server: "*", namespace: "!kube-system"}]`, local, "shop", ""},
		{"a denied namespace wins", `[{server: "*", namespace: "*"}, {server: "*", namespace: "!kube-*"}]`, local, "kube-system", "spec.destinations[1] denies namespace kube-system"},
		{"1.8 destinations: a denied namespace only on the entry's server", `[{server: "*", namespace: "*"}, {server: "https://other:6443", namespace: "!kube-system"}]`, local, "kube-system", ""},
		{"a denied namespace not by the cluster's name", `[{server: "*", namespace: "*"}, {name: in-cluster, namespace: "!kube-system"}]`, local, "kube-system", ""},
		{"both denied, neither matched", `[{server: "!https://other:6443", namespace: "!kube-system"}]`, local, "shop", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			check(t, rules(t, shop(t, "destinations: "+tt.destinations), Scoped{}).Destination(tt.dest, tt.namespace), tt.want)
		})
	}
}

func TestScoped(t *testing.T) {
	const all = `{sourceRepos: [], destinations: [{server: "*", namespace: "*"}], permitOnlyProjectScopedClusters: true}`
	own := Scoped{
		Repositories: []string{"https://git.example/Own.git", "https://git.example/*"},
		Clusters:     []Cluster{{Server: "https://own", Name: "own"}, {Server: "https://[fd00::1]:6443", Namespaces: []string{"shop"}}},
	}
	r := rules(t, shop(t, all), own)
	check(t, r.Source("https://git.example/own"), "")
	check(t, r.Source("https://git.example/other"), "permits no")
	check(t, r.Destination(api.Destination{Server: "https://own", Name: "own"}, "shop"), "")
	check(t, r.Destination(local, "shop"), "spec.permitOnlyProjectScopedClusters permits only the project's own clusters, and cluster in-cluster is none: set project: shop in its Secret")
	check(t, r.Destination(api.Destination{Server: "https://nameless"}, "shop"), "permitOnlyProjectScopedClusters")
	check(t, rules(t, shop(t, all), Scoped{}).Destination(local, "shop"), "permitOnlyProjectScopedClusters")
	check(t, rules(t, shop(t, `{}`), own).Destination(api.Destination{Server: "https://own"}, "any"), "")
	check(t, rules(t, shop(t, `{}`), own).Destination(api.Destination{Server: "https://[fd00::1]:6443"}, "shop"), "")
	check(t, rules(t, shop(t, `{}`), own).Destination(api.Destination{Server: "https://[fd00::1]:6443"}, "cart"), "permits no namespace cart")
	check(t, rules(t, shop(t, `{}`), own).Destination(local, "shop"), "permits no namespace shop")
}

func TestObject(t *testing.T) {
	role := manifest.Key{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: "team-a-reader"}
	roleInShop := manifest.Key{Group: role.Group, Kind: role.Kind, Namespace: "shop", Name: "x"}
	web := manifest.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}
	secret := manifest.Key{Kind: "Secret", Namespace: "shop", Name: "s"}
	elsewhere := manifest.Key{Kind: "Secret", Namespace: "kube-system", Name: "s"}
	const shopOnly = "\ndestinations: [{server: '*', namespace: shop}]"
	for _, tt := range []struct {
		name, spec string
		key        manifest.Key
		namespaced bool
		want       string
	}{
		{"2.15 fact 21: no clusterResourceWhitelist permits none", ``, role, false, "spec.clusterResourceWhitelist permits no ClusterRole: add {group: rbac.authorization.k8s.io, kind: ClusterRole}"},
		{"2.15 fact 21: nor does an empty one", `clusterResourceWhitelist: []`, role, false, "permits no ClusterRole"},
		{"all cluster kinds", `clusterResourceWhitelist: [{group: "*", kind: "*"}]`, role, false, ""},
		{"a star matches the core group", `clusterResourceWhitelist: [{group: "*", kind: Namespace}]`, manifest.Key{Kind: "Namespace", Name: "shop"}, false, ""},
		{"the core group is empty", `clusterResourceWhitelist: [{group: "", kind: ClusterRole}]`, role, false, "permits no ClusterRole"},
		{"and is written so", ``, manifest.Key{Kind: "Namespace", Name: "shop"}, false, `add {group: "", kind: Namespace}`},
		{"1.8 clusterResourceWhitelist.name: is a glob", `clusterResourceWhitelist: [{group: "*", kind: ClusterRole, name: "team-a-*"}]`, role, false, ""},
		{"a name that differs", `clusterResourceWhitelist: [{group: "*", kind: ClusterRole, name: "team-b-*"}]`, role, false, "permits no ClusterRole team-a-reader: add {group: rbac.authorization.k8s.io, kind: ClusterRole, name: team-a-reader}"},
		{"kinds know no braces", `clusterResourceWhitelist: [{group: "*", kind: "{ClusterRole,Node}"}]`, role, false, "permits no ClusterRole"},
		{"kinds keep their case", `clusterResourceWhitelist: [{group: "*", kind: clusterrole}]`, role, false, "permits no ClusterRole"},
		{"1.8 clusterResourceBlacklist: subtracts", `{clusterResourceWhitelist: [{group: "*", kind: "*"}], clusterResourceBlacklist: [{group: "rbac.*", kind: "Cluster*"}]}`, role, false, "spec.clusterResourceBlacklist[0] denies ClusterRole: "},
		{"by name too", `{clusterResourceWhitelist: [{group: "*", kind: "*"}], clusterResourceBlacklist: [{group: "*", kind: "*", name: "team-*"}]}`, role, false, "denies ClusterRole team-a-reader"},
		{"namespaces do not matter to cluster kinds", `clusterResourceWhitelist: [{group: "*", kind: "*"}]`, role, false, ""},
		{"a namespace does not make a kind namespaced", `{}`, roleInShop, false, "spec.clusterResourceWhitelist permits no ClusterRole"},
		{"2.15 fact 21: no namespaceResourceWhitelist permits all", shopOnly, web, true, ""},
		{"2.15 fact 21: an empty one permits none", `namespaceResourceWhitelist: []` + shopOnly, web, true, "spec.namespaceResourceWhitelist permits no Deployment: add {group: apps, kind: Deployment}"},
		{"a namespaced whitelist permits its kinds", `namespaceResourceWhitelist: [{group: apps, kind: "*"}]` + shopOnly, web, true, ""},
		{"and no others", `namespaceResourceWhitelist: [{group: apps, kind: "*"}]` + shopOnly, secret, true, "permits no Secret"},
		{"1.8 namespaceResourceBlacklist: subtracts", `namespaceResourceBlacklist: [{group: "", kind: Secret}]` + shopOnly, secret, true, "spec.namespaceResourceBlacklist[0] denies Secret"},
		{"the lists of one scope do not speak of the other", `{clusterResourceBlacklist: [{group: "*", kind: "*"}], destinations: [{server: "*", namespace: shop}]}`, web, true, ""},
		{"the object's namespace is a destination", shopOnly, elsewhere, true, "spec.destinations permits no namespace kube-system"},
		{"what is strange is quoted", ``, manifest.Key{Kind: "Bad\nKind", Name: "x"}, false, `permits no "Bad\nKind"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := rules(t, shop(t, tt.spec), Scoped{})
			check(t, r.Object(tt.key, tt.namespaced, local), tt.want)
			if tt.namespaced == (tt.key.Namespace != "") {
				check(t, r.Live(tt.key, local), tt.want)
			}
		})
	}
}

func TestNamespace(t *testing.T) {
	for _, tt := range []struct{ name, list, namespace, want string }{
		{"the agent's own always", `[]`, "argocd", ""},
		{"none yet is the agent's own", `[]`, "", ""},
		{"no list permits no other", `[]`, "team-a", "spec.sourceNamespaces permits no Applications in namespace team-a: add it, or move the Application to namespace argocd"},
		{"1.8 sourceNamespaces: globs", `["team-*"]`, "team-a", ""},
		{"1.8 sourceNamespaces: regular expressions", `["/^team-[ab]$/"]`, "team-a", ""},
		{"a regular expression that does not match", `["/^team-[ab]$/"]`, "team-c", "permits no"},
		{"it matches within a name", `["/team-a/"]`, "not-team-a", ""},
		{"look-ahead", `["/^(?!kube-).*$/"]`, "kube-system", "permits no"},
		{"a lone slash", `["/"]`, "team-a", "permits no"},
		{"there are no denials", `["!kube-system"]`, "team-a", "permits no"},
		{"an expression without end", `["/^(a+)+$/"]`, strings.Repeat("a", 60) + "!", "permits no"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			check(t, rules(t, shop(t, "sourceNamespaces: "+tt.list), Scoped{}).Namespace(tt.namespace, "argocd"), tt.want)
		})
	}
}

func TestUser(t *testing.T) {
	for _, tt := range []struct{ name, accounts, namespace, want, reason string }{
		{"1.8 destinationServiceAccounts: no match is an error", `[]`, "shop", "", "spec.destinationServiceAccounts names no account for namespace shop"},
		{"1.8 destinationServiceAccounts: the first match counts", `[{server: "*", namespace: "s*", defaultServiceAccount: one}, {server: "*", namespace: shop, defaultServiceAccount: two}]`, "shop", "system:serviceaccount:shop:one", ""},
		{"an account of another namespace", `[{server: "https://*", namespace: "*", defaultServiceAccount: "ops:deployer"}]`, "shop", "system:serviceaccount:ops:deployer", ""},
		{"1.8 destinationServiceAccounts: sa alone is of the destination's namespace, else the Application's", `[{server: "*", namespace: "*", defaultServiceAccount: one}]`, "", "system:serviceaccount:team-a:one", ""},
		{"another namespace", `[{server: "*", namespace: cart, defaultServiceAccount: one}]`, "shop", "", "names no account"},
		{"an empty account", `[{server: "*", namespace: "*", defaultServiceAccount: ""}]`, "shop", "", "destinationServiceAccounts[0].defaultServiceAccount is neither"},
		{"no other user", `[{server: "*", namespace: "*", defaultServiceAccount: "system:serviceaccount:ops:root"}]`, "shop", "", "is neither"},
		{"an empty namespace", `[{server: "*", namespace: "*", defaultServiceAccount: ":one"}]`, "shop", "", "is neither"},
		{"a glob", `[{server: "*", namespace: "*", defaultServiceAccount: "*"}]`, "shop", "", "is neither"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			app := &api.Application{ObjectMeta: metav1.ObjectMeta{Name: "a", Namespace: "team-a"}}
			app.Spec.Destination.Namespace = tt.namespace
			got, v := rules(t, shop(t, "destinationServiceAccounts: "+tt.accounts), Scoped{}).User(app, local)
			check(t, v, tt.reason)
			if got != tt.want {
				t.Errorf("user %q, want %q", got, tt.want)
			}
		})
	}
}

func TestBadPatterns(t *testing.T) {
	for _, tt := range []struct{ spec, want string }{
		{`sourceRepos: ["*", "https://git.example/[a"]`, "project shop: spec.sourceRepos[1]: Invalid value: pattern cannot be read: glob: "},
		{`sourceRepos: ["https://[ab].example/x"]`, "spec.sourceRepos[0]: Invalid value: pattern cannot be read: not a URL"},
		{`sourceRepos: ["!*"]`, "spec.sourceRepos[0]: Invalid value: pattern cannot be read: !* denies everything"},
		{`destinations: [{server: "{a", namespace: "[b"}]`, "spec.destinations[0].namespace"},
		{`destinations: [{name: "!*"}]`, "spec.destinations[0].name"},
		{`clusterResourceWhitelist: [{group: "[", kind: X}]`, "spec.clusterResourceWhitelist[0].group"},
		{`clusterResourceBlacklist: [{group: "", kind: X, name: "a[b-"}]`, "spec.clusterResourceBlacklist[0].name"},
		{`namespaceResourceWhitelist: [{group: "", kind: "["}]`, "spec.namespaceResourceWhitelist[0].kind"},
		{`namespaceResourceBlacklist: [{group: "", kind: "\\"}]`, "spec.namespaceResourceBlacklist[0].kind"},
		{`sourceNamespaces: ["/(/"]`, "spec.sourceNamespaces[0]"},
		{`sourceNamespaces: ["{a"]`, "spec.sourceNamespaces[0]"},
		{`destinationServiceAccounts: [{server: "[", defaultServiceAccount: a}]`, "spec.destinationServiceAccounts[0].server"},
		{`destinations: [{server: "` + strings.Repeat("*a", 3000) + `"}]`, "spec.destinations[0].server: Invalid value: pattern cannot be read: longer than 4096 bytes"},
	} {
		r, err := New(shop(t, tt.spec), Scoped{})
		if err == nil || !strings.Contains(err.Error(), tt.want) || r != nil {
			t.Errorf("%.80s: error %v, want %q", tt.spec, err, tt.want)
		}
	}
}

func TestDefault(t *testing.T) {
	r := rules(t, Default(), Scoped{})
	check(t, r.Source("https://git.example/a/b"), "")
	check(t, r.Destination(local, "kube-system"), "")
	check(t, r.Object(manifest.Key{Group: "g", Kind: "K", Name: "n"}, false, local), "")
	check(t, r.Object(manifest.Key{Kind: "Secret", Namespace: "kube-system", Name: "n"}, true, local), "")
	if v := r.Namespace("team-a", "argocd"); v.Allowed {
		t.Error("the default project permits Applications in other namespaces")
	}
}
