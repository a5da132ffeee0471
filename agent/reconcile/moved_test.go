package reconcile

import (
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/destinations"
)

// two are two clusters, by name and by server.
type two struct{ Destinations }

func (two) Resolve(to api.Destination) (api.Destination, error) {
	to = to.Resolved()
	switch {
	case to.Name == "east" || to.Server == "https://east":
		to.Name, to.Server = "east", "https://east"
	case to.Server != api.InClusterServer:
		return to, destinations.ErrNoCluster
	}
	return to, nil
}

// Whoever goes to another cluster is told what stays behind, until a hard refresh.
func TestLeaves(t *testing.T) {
	const resources = `resources: [{version: v1, kind: ConfigMap, namespace: shop, name: a, health: {status: Healthy}}, {version: v1, kind: ConfigMap, namespace: shop, name: b, health: {status: Missing}}, {version: v1, kind: Job, namespace: shop, name: h, hook: true}]`
	for _, tt := range []struct{ name, status, now, refresh, want string }{
		{"new", `{}`, "{name: east}", "", ""},
		{"stays", `{sync: {comparedTo: {destination: {name: east}}}, ` + resources + `}`, "{name: east}", "", ""},
		{"called otherwise", `{sync: {comparedTo: {destination: {server: "https://east/"}}}, ` + resources + `}`, "{name: east}", "", ""},
		{"moves", `{sync: {comparedTo: {destination: {name: east}}}, ` + resources + `}`, "{name: in-cluster}", "", "ConfigMap shop/a may be left in cluster east"},
		{"leaves one that is gone", `{sync: {comparedTo: {destination: {server: "https://gone"}}}, ` + resources + `}`, "{name: in-cluster}", "", "ConfigMap shop/a may be left in cluster https://gone"},
		{"had nothing there", `{sync: {comparedTo: {destination: {name: east}}}}`, "{name: in-cluster}", "", ""},
		{"has moved", `{sync: {comparedTo: {destination: {name: east}}}, conditions: [{type: LeftBehindWarning, message: as was said}]}`, "{name: east}", "", "as was said"},
		{"has heard", `{sync: {comparedTo: {destination: {name: east}}}, conditions: [{type: LeftBehindWarning, message: as was said}]}`, "{name: east}", "hard", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			app := appIn(t, "web", "status: "+tt.status)
			app.Spec.Destination = *read[api.Destination](t, tt.now)
			app.Annotations = map[string]string{api.AnnotationRefresh: tt.refresh}
			p := passOver(app)
			p.r.Destinations = two{}
			p.to.dest, p.to.wrong = two{}.Resolve(app.Spec.Destination)
			p.leaves()
			if got := p.report.of(ConditionLeftBehindWarning); tt.want == "" && got != "" || !strings.HasPrefix(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// An object of the same name in another cluster is nobody's here, whatever the status of
// its Application says.
func TestPersistedElsewhere(t *testing.T) {
	p := passOver(appIn(t, "web", ""))
	p.r.Destinations = two{}
	const status = `status: {resources: [{version: v1, kind: ConfigMap, namespace: shop, name: a}]}`
	for destination, want := range map[string]bool{"{name: in-cluster}": true, "{name: east}": false, "{name: unknown}": false} {
		other := appIn(t, "other", status)
		p.among(other)
		other.Spec.Destination = *read[api.Destination](t, destination)
		if got := p.persisted(other, configMap("a")); got != want {
			t.Errorf("%s: %v, want %v", destination, got, want)
		}
		if got := p.mayState(other, configMap("a")); got != want {
			t.Errorf("%s may state it: %v, want %v", destination, got, want)
		}
	}
}
