package project

import (
	"fmt"
	"math/rand/v2"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// The matrix's own clusters, as a Secret would bind them, and its questions.
var (
	ownServers = []string{api.InClusterServer}
	cells      = everyCell()
)

func everyCell() []cell {
	var all []cell
	for _, source := range []string{"https://git.example/shop/web", "https://git.example/shop/sub/web", "https://git.example/evil/web", "git@git.example/shop/web"} {
		for _, dest := range []api.Destination{local, {Server: "https://other:6443", Name: "other"}} {
			for _, kind := range [][2]string{{"", "Namespace"}, {"rbac.authorization.k8s.io", "ClusterRole"}} {
				for _, name := range []string{"team-a", "kube-system"} {
					all = append(all, cell{source, dest, manifest.Key{Group: kind[0], Kind: kind[1], Name: name}, false})
				}
			}
			for _, kind := range [][2]string{{"", "Secret"}, {"apps", "Deployment"}, {"rbac.authorization.k8s.io", "Role"}} {
				for _, namespace := range []string{"team-a", "kube-system"} {
					all = append(all, cell{source, dest, manifest.Key{Group: kind[0], Kind: kind[1], Namespace: namespace, Name: "x"}, true})
				}
			}
		}
	}
	return all
}

// some picks up to three of a list's entries, none too.
func some[T any](r *rand.Rand, from ...T) []T {
	var list []T
	for range r.IntN(4) {
		list = append(list, from[r.IntN(len(from))])
	}
	return list
}

func one(r *rand.Rand, from ...string) string { return from[r.IntN(len(from))] }

// anyProject makes a project out of entries that matter to the cells.
func anyProject(r *rand.Rand) *api.AppProject {
	kinds := []metav1.GroupKind{{Group: "*", Kind: "*"}, {Group: "", Kind: "Secret"}, {Group: "apps", Kind: "*"}, {Group: "*.k8s.io", Kind: "R*e"}}
	named := []api.ClusterResource{{Group: "*", Kind: "*"}, {Group: "", Kind: "Namespace"}, {Group: "*", Kind: "Cluster*"}, {Group: "*", Kind: "*", Name: "team-*"}, {Group: "*", Kind: "Namespace", Name: "kube-system"}}
	p := &api.AppProject{ObjectMeta: metav1.ObjectMeta{Name: "shop"}, Spec: api.AppProjectSpec{
		SourceRepos:                     some(r, "*", "https://git.example/shop/*", "https://git.example/**", "git@git.example/*/*", "!https://git.example/evil/*", "!git@git.example/shop/web"),
		ClusterResourceWhitelist:        some(r, named...),
		ClusterResourceBlacklist:        some(r, named[1:]...),
		NamespaceResourceBlacklist:      some(r, kinds[1:]...),
		PermitOnlyProjectScopedClusters: r.IntN(4) == 0,
	}}
	switch r.IntN(3) {
	case 0:
		p.Spec.NamespaceResourceWhitelist = []metav1.GroupKind{}
	case 1:
		p.Spec.NamespaceResourceWhitelist = append([]metav1.GroupKind{kinds[r.IntN(len(kinds))]}, some(r, kinds...)...)
	}
	for range r.IntN(4) {
		p.Spec.Destinations = append(p.Spec.Destinations, api.Destination{
			Server:    one(r, "", "*", api.InClusterServer, "https://*", "!https://other:6443"),
			Name:      one(r, "", "", "*", "other", "!other", "in-*"),
			Namespace: one(r, "", "*", "*", "team-*", "!kube-system", "kube-system"),
		})
	}
	return p
}

// ask puts a cell to the rules, as a pass does: each list may refuse.
func ask(r *Rules, c cell) bool {
	return r.Source(c.source).Allowed && r.Object(c.key, c.namespaced, c.dest).Allowed
}

// disagreements counts the cells in which rules and the model of a project differ.
func disagreements(r *Rules, p *api.AppProject) (differ, permitted int, first string) {
	for _, c := range cells {
		want := model(p, ownServers, c)
		if want {
			permitted++
		}
		if got := ask(r, c); got != want {
			differ++
			first = fmt.Sprintf("%+v\npermitted: %v, want %v", c, got, want)
		}
	}
	return differ, permitted, first
}

// matrixRules compiles a project for the matrix: its own cluster counts only where
// others are shut out, so that the model needs no second list of destinations.
func matrixRules(t testing.TB, p *api.AppProject) *Rules {
	r := rules(t, p, Scoped{})
	if p.Spec.PermitOnlyProjectScopedClusters {
		r.scoped = &[]Cluster{{Server: ownServers[0]}}
	}
	return r
}

const projects = 1000

// TestMatrix compares rules and model over random projects, in all of their cells.
func TestMatrix(t *testing.T) {
	const seed = 13
	random, permitted := rand.New(rand.NewPCG(seed, 0)), 0
	for i := range projects {
		p := anyProject(random)
		differ, yes, first := disagreements(matrixRules(t, p), p)
		if differ > 0 {
			t.Fatalf("seed %d, project %d: %d cells differ; %s\nof %+v", seed, i, differ, first, p.Spec)
		}
		permitted += yes
	}
	if all := projects * len(cells); permitted < all/100 || permitted > all*99/100 {
		t.Errorf("%d of %d cells are permitted: the matrix tells too little", permitted, all)
	}
}

// TestMatrixNoticesEveryList is the negative control: rules without one of the project's
// lists have to differ from the model of the whole.
func TestMatrixNoticesEveryList(t *testing.T) {
	for name, without := range map[string]func(*Rules){
		"sourceRepos' denials":            func(r *Rules) { r.sources = permitting(r.sources) },
		"sourceRepos":                     func(r *Rules) { r.sources = []source{{pattern: pattern{any: true}}} },
		"destinations":                    func(r *Rules) { r.destinations = []destination{everywhere} },
		"clusterResourceWhitelist":        func(r *Rules) { r.clusterKinds.all = true },
		"clusterResourceBlacklist":        func(r *Rules) { r.clusterKinds.deny = nil },
		"namespaceResourceWhitelist":      func(r *Rules) { r.spaceKinds.all = true },
		"namespaceResourceBlacklist":      func(r *Rules) { r.spaceKinds.deny = nil },
		"permitOnlyProjectScopedClusters": func(r *Rules) { r.scoped = nil },
	} {
		random, noticed := rand.New(rand.NewPCG(13, 0)), 0
		for range projects / 10 {
			p := anyProject(random)
			r := matrixRules(t, p)
			without(r)
			differ, _, _ := disagreements(r, p)
			noticed += differ
		}
		if noticed == 0 {
			t.Errorf("without %s nothing differs", name)
		}
	}
}

var everywhere = destination{server: pattern{any: true}, name: pattern{any: true}, namespace: pattern{any: true}}

func permitting(list []source) []source {
	var rest []source
	for _, s := range list {
		if !s.pattern.deny {
			rest = append(rest, s)
		}
	}
	return append(rest, source{pattern: pattern{any: true}})
}
