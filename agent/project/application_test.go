package project

import (
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/tidelock-io/tidelock/agent/api"
)

const narrow = `
sourceRepos: ["https://git.example/shop/*"]
destinations: [{server: "https://kubernetes.default.svc", namespace: shop}]
`

func TestApplication(t *testing.T) {
	for _, tt := range []struct{ name, app, want string }{
		{"all is well", `
metadata: {name: web, namespace: argocd}
spec: {project: shop, source: {repoURL: "https://git.example/shop/web.git", path: .}, destination: {name: in-cluster, namespace: shop}}`, ``},
		{"each field is named", `
metadata: {name: web, namespace: team-a}
spec: {project: shop, source: {repoURL: "https://git.example/cart/web.git", path: .}, destination: {name: in-cluster, namespace: cart}}`, `
metadata.namespace: Forbidden: project shop: spec.sourceNamespaces permits no Applications in namespace team-a: add it, or move the Application to namespace argocd
spec.source.repoURL: Forbidden: project shop: spec.sourceRepos permits no https://git.example/cart/web: add it, or a pattern that covers it
spec.destination: Forbidden: project shop: spec.destinations permits no namespace cart on cluster in-cluster: add {server: https://kubernetes.default.svc, namespace: cart}`},
		{"sources win over source", `
metadata: {name: web, namespace: argocd}
spec:
  project: shop
  source: {repoURL: "https://ignored.example/x"}
  sources: [{repoURL: "https://git.example/shop/web"}, {repoURL: "https://git.example/cart/values", ref: values}]
  destination: {name: in-cluster, namespace: shop}`, `
spec.sources[1].repoURL: Forbidden: project shop: spec.sourceRepos permits no https://git.example/cart/values: add it, or a pattern that covers it`},
		{"a hydrator wins over both, and has two sides", `
metadata: {name: web, namespace: argocd}
spec:
  project: shop
  source: {repoURL: "https://ignored.example/x"}
  sourceHydrator: {drySource: {repoURL: "https://git.example/a/dry"}, syncSource: {repoURL: "https://git.example/a/wet", targetBranch: b, path: p}}
  destination: {name: in-cluster, namespace: shop}`, `
spec.sourceHydrator.drySource.repoURL: Forbidden: project shop: spec.sourceRepos permits no https://git.example/a/dry: add it, or a pattern that covers it
spec.sourceHydrator.syncSource.repoURL: Forbidden: project shop: spec.sourceRepos permits no https://git.example/a/wet: add it, or a pattern that covers it`},
		{"an operation brings no sources of its own in", `
metadata: {name: web, namespace: argocd}
spec: {project: shop, source: {repoURL: "https://git.example/shop/web.git"}, destination: {name: in-cluster, namespace: shop}}
operation: {sync: {source: {repoURL: "https://git.example/a/one"}, sources: [{repoURL: "https://git.example/a/two"}]}}`, `
operation.sync.source.repoURL: Forbidden: project shop: spec.sourceRepos permits no https://git.example/a/one: add it, or a pattern that covers it
operation.sync.sources[0].repoURL: Forbidden: project shop: spec.sourceRepos permits no https://git.example/a/two: add it, or a pattern that covers it`},
		{"another project's Application", `
metadata: {name: web, namespace: argocd}
spec: {project: "", source: {repoURL: "https://git.example/shop/web.git"}, destination: {name: in-cluster, namespace: shop}}`, `
spec.project: Forbidden: project shop: not the project of this Application, which is default`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			app := &api.Application{}
			if err := yaml.UnmarshalStrict([]byte(tt.app), app); err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for _, err := range rules(t, shop(t, narrow), Scoped{}).Application(app, app.Spec.Destination.Resolved(), "argocd") {
				got.WriteString("\n" + err.Error())
			}
			if got.String() != tt.want {
				t.Errorf("got:%s\nwant:%s", got.String(), tt.want)
			}
		})
	}
}

func TestLint(t *testing.T) {
	for _, tt := range []struct{ name, spec, want string }{
		{"nothing to say of the default project's lists", `{sourceRepos: ["*"], destinations: [{server: "*", namespace: "*"}], clusterResourceWhitelist: [{group: "*", kind: "*"}]}`, ``},
		{"an empty project is plain", `{}`, ``},
		{"2.15 fact 22: lint warns of a lone denial", `sourceRepos: ["!https://git.example/evil/*"]`, `spec.sourceRepos[0]: a denial permits every repository`},
		{"a denial beside a permission", `sourceRepos: ["https://git.example/org/*", "!https://git.example/org/evil"]`, `spec.sourceRepos[1]: a denial permits every repository`},
		{"a denial beside *", `sourceRepos: ["*", "!https://git.example/evil/*"]`, ``},
		{"braces", `sourceRepos: ["https://git.example/{a,b}/*"]`, `spec.sourceRepos[0]: braces are no alternatives`},
		{"a lone denied cluster", `destinations: [{server: "!https://prod", namespace: "*"}]`, `spec.destinations[0]: a denied cluster permits every other cluster; add {server: "*", namespace: "*"}`},
		{"a denied cluster beside all", `destinations: [{server: "!https://prod", namespace: "*"}, {server: "*", namespace: "*"}]`, ``},
		{"a lone denied namespace", `destinations: [{server: "*", namespace: "!kube-system"}]`, `spec.destinations[0].namespace: a denial permits every namespace`},
		{"a denied namespace beside all", `destinations: [{server: "*", namespace: "!kube-system"}, {server: "*", namespace: "*"}]`, ``},
		{"a namespace denied on a name", `destinations: [{name: prod, namespace: "!kube-system"}, {server: "*", namespace: "*"}]`, `spec.destinations[0].namespace: a namespace is denied on the entry's server only`},
		{"a denied name with a namespace", `destinations: [{name: "!prod", namespace: shop}, {server: "*", namespace: "*"}]`, `spec.destinations[0].name: a cluster denied by its name is denied in all namespaces`},
		{"2.15 fact 21: lint warns of an empty namespaced whitelist", `namespaceResourceWhitelist: []`, `spec.namespaceResourceWhitelist: an empty list permits no namespaced kind`},
		{"a cluster blacklist alone", `clusterResourceBlacklist: [{group: "", kind: Node}]`, `spec.clusterResourceBlacklist: has no effect`},
		{"an open expression", `sourceNamespaces: ["/team-.*/"]`, `spec.sourceNamespaces[0]: matches any name that contains`},
		{"a closed expression", `sourceNamespaces: ["/^team-.*$/", "team-*"]`, ``},
		{"a denied namespace of Applications", `sourceNamespaces: ["!kube-system"]`, `spec.sourceNamespaces[0]: there are no denials here`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := Lint(shop(t, tt.spec))
			if (len(got) == 0) != (tt.want == "") || len(got) > 1 || len(got) == 1 && !strings.HasPrefix(got[0], tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
