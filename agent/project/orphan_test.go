package project

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// Each row is an entry of spec.orphanedResources.ignore as group/kind/name, and
// objects as group/kind namespace/name, of which those with a star are reported.
func TestOrphans(t *testing.T) {
	for _, tt := range []struct{ name, ignore, want string }{
		{"what every namespace has", "", "/ServiceAccount a/default; /ServiceAccount a/other*; /ConfigMap a/kube-root-ca.crt; /ConfigMap a/c*; /Service default/kubernetes; /Service a/kubernetes*; x.io/Service default/kubernetes*"},
		{"a kind", "/ConfigMap/", "/ConfigMap a/c; /Secret a/s*; x.io/ConfigMap a/c*"},
		{"a name", "/Secret/sh.helm.*", "/Secret a/sh.helm.release.v1; /Secret a/s*"},
		{"any kind of a group", "*.x.io//", "a.x.io/Widget a/w; x.io/Widget a/w*; /ConfigMap a/c*"},
		{"any kind of the core group", "//tmp-*", "/Secret a/tmp-1; /ConfigMap a/tmp-2; apps/Deployment a/tmp-3*"},
		{"alternatives", "{a,b}.io//", "a.io/Widget a/w; b.io/Widget a/w; c.io/Widget a/w*"},
		{"everything", "*//", "a.x.io/Widget a/w; /ConfigMap a/c"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := &api.AppProject{Spec: api.AppProjectSpec{OrphanedResources: &api.OrphanedResources{}}}
			if tt.ignore != "" {
				e := strings.Split(tt.ignore, "/")
				p.Spec.OrphanedResources.Ignore = []api.OrphanedResource{{Group: e[0], Kind: e[1], Name: e[2]}}
			}
			rules, err := New(p, Scoped{})
			if err != nil {
				t.Fatal(err)
			}
			for object := range strings.SplitSeq(tt.want, "; ") {
				object, want := strings.CutSuffix(object, "*")
				kind, name, _ := strings.Cut(object, " ")
				var key manifest.Key
				key.Group, key.Kind, _ = strings.Cut(kind, "/")
				key.Namespace, key.Name, _ = strings.Cut(name, "/")
				if got := rules.Orphans().Reports(key); got != want {
					t.Errorf("%s is reported: %v, want %v", object, got, want)
				}
			}
		})
	}
}

// Without the block nothing is looked for; without warn nobody is warned; and what
// the project denies it cannot miss (SEMANTICS.md 1.8).
func TestOrphansOfProject(t *testing.T) {
	yes := true
	p := &api.AppProject{}
	rules, err := New(p, Scoped{})
	if err != nil || rules.Orphans() != nil {
		t.Errorf("without the block: %v, %v", rules.Orphans(), err)
	}
	p.Spec.OrphanedResources = &api.OrphanedResources{}
	p.Spec.Destinations = []api.Destination{{Server: "*", Namespace: "shop"}}
	p.Spec.NamespaceResourceBlacklist = append(p.Spec.NamespaceResourceBlacklist, metav1.GroupKind{Kind: "Secret"})
	if rules, err = New(p, Scoped{}); err != nil || rules.Orphans().Warn {
		t.Errorf("without warn: %v, %v", rules.Orphans(), err)
	}
	to := api.Destination{Server: api.InClusterServer, Namespace: "shop"}
	for kind, want := range map[string]bool{"ConfigMap": true, "Secret": false} {
		if got := rules.OrphanKind(schema.GroupKind{Kind: kind}, to); got != want {
			t.Errorf("%s may be an orphan: %v", kind, got)
		}
	}
	p.Spec.OrphanedResources.Warn = &yes
	if rules, err = New(p, Scoped{}); err != nil || !rules.Orphans().Warn {
		t.Errorf("with warn: %v, %v", rules.Orphans(), err)
	}
	p.Spec.OrphanedResources.Ignore = []api.OrphanedResource{{Name: "{"}}
	if rules, err = New(p, Scoped{}); err != nil || !rules.Orphans().Reports(manifest.Key{Kind: "ConfigMap", Name: "c"}) {
		t.Errorf("a pattern that cannot be read: %v", err)
	}
	if got := Lint(p); len(got) != 1 || !strings.HasPrefix(got[0], "spec.orphanedResources.ignore[0]: cannot be read, and ignores nothing: ") {
		t.Errorf("it is said to be: %q", got)
	}
}
