package reconcile

import (
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/project"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// While another Application's pass looks for the first time, what was said of
// orphans stays said.
func TestOrphansOfAnothersSearch(t *testing.T) {
	const said = "namespace shop holds an object of no application: ConfigMap shop/a"
	app := appIn(t, "web", `status: {conditions: [{type: OrphanedResourceWarning, message: "`+said+`"}]}`)
	p := passOver(app)
	of := project.Default()
	warn := true
	of.Spec.OrphanedResources = &api.OrphanedResources{Warn: &warn}
	rules, err := project.New(of, project.Scoped{})
	if err != nil {
		t.Fatal(err)
	}
	p.rules = rules
	p.r.places[place{"default", api.InClusterServer, "shop"}] = &orphanage{busy: true}
	p.orphans(t.Context(), &Desired{})
	if got := p.report.of(api.ConditionOrphanedResourceWarning); got != said || p.again != time.Second {
		t.Errorf("got %q, again in %s", got, p.again)
	}
}

func TestStatedAmong(t *testing.T) {
	l := stating(t, "a b c")
	got := statedAmong([]manifest.Key{configMap("b"), configMap("x")}, l.set)
	if len(got) != 2 || !got[configMap("b")] || got[configMap("x")] {
		t.Errorf("got %v", got)
	}
}
