package project

import (
	"testing"

	"github.com/tidelock-io/tidelock/render/manifest"
)

// BenchmarkObject judges one permitted object by a project with lists of a usual length.
func BenchmarkObject(b *testing.B) {
	r := rules(b, shop(b, `
destinations:
- {server: "https://kubernetes.default.svc", namespace: "team-*"}
- {server: "https://kubernetes.default.svc", namespace: "!kube-*"}
- {server: "https://kubernetes.default.svc", namespace: shop}
namespaceResourceBlacklist: [{group: "", kind: ResourceQuota}, {group: "", kind: LimitRange}, {group: networking.k8s.io, kind: "Network*"}]
clusterResourceWhitelist: [{group: "", kind: Namespace}, {group: "*.k8s.io", kind: "Cluster*", name: "shop-*"}]
`), Scoped{})
	for name, o := range map[string]struct {
		key        manifest.Key
		namespaced bool
	}{
		"namespaced": {manifest.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}, true},
		"cluster":    {manifest.Key{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: "shop-reader"}, false},
		"refused":    {manifest.Key{Group: "apps", Kind: "Deployment", Namespace: "kube-system", Name: "web"}, true},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if v := r.Object(o.key, o.namespaced, local); v.Allowed == (name == "refused") {
					b.Fatal(v)
				}
			}
		})
	}
}
