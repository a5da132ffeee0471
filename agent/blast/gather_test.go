package blast

import (
	"testing"

	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/render/manifest"
)

func TestGather(t *testing.T) {
	r := Gather([]Application{
		{Namespace: "b", Name: "b", Status: StatusChanged, Changes: []Change{{Action: Update}, {Action: Delete}, {Action: Leave}}, Restarts: []Restart{{}}},
		{Namespace: "a", Name: "same", Status: StatusChanged},
		{Namespace: "a", Name: "held", Status: StatusChanged, Held: []string{"Pod x is refused"}},
		{Namespace: "a", Name: "failed", Status: StatusChanged, Failed: "no"},
	})
	names := ""
	for _, a := range r.Applications {
		names += a.ID() + " "
	}
	if want := "a/failed a/held b/b "; names != want {
		t.Errorf("got %s, want %s", names, want)
	}
	if got, want := r.Totals.String(), "3 Applications; objects: 1 changed, 1 deleted, 1 left; 1 workload restarts; 1 cannot be told"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestRestartsFor(t *testing.T) {
	for _, tt := range []struct {
		kind, path string
		restarts   bool
	}{
		{"Deployment", "spec.template.spec.containers[name=web].image", true},
		{"Deployment", "spec.template", true},
		{"Deployment", "spec.templates", false},
		{"Deployment", "spec.replicas", false},
		{"ReplicaSet", "spec.template.spec", false},
	} {
		got := RestartsFor(manifest.Key{Group: "apps", Kind: tt.kind}, []diff.Field{{Path: "metadata.labels"}, {Path: tt.path}})
		if (got != "") != tt.restarts {
			t.Errorf("%s %s: %q", tt.kind, tt.path, got)
		}
	}
}
