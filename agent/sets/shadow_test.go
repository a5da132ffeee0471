package sets

import (
	"errors"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset"
)

// TestObserve: what a pass would do is told, and nothing of it is done: nothing is
// written, and whoever cannot be asked is an error.
func TestObserve(t *testing.T) {
	w := newWorld(t)
	w.Rules = Rules{Policy: api.ApplicationsSyncCreateOnly}
	w.Clusters = func() ([]appset.Cluster, error) { return nil, errors.New("the Secrets of clusters: forbidden") }
	for _, tt := range []struct{ name, set, want string }{
		{"new", setOf("apps", listOf("a", "b"), ""), "create a b"},
		{"as it is", setOf("apps", listOf("a", "b"), ""), ""},
		{"one is new, and what is gone stays by the policy", setOf("apps", listOf("a", "c"), ""), "create c"},
		{"clusters that are not known", setOf("apps", "[{clusters: {}}]", ""), "generator 0: spec.generators[0].clusters: the Secrets of clusters: forbidden"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.apply(tt.set)
			if tt.name == "as it is" {
				w.must("apps")
			}
			w.catchUp()
			w.requests = nil
			plan, err := Observe(t.Context(), w.Config, w.store.get(in("apps")))
			var got []string
			if len(plan.Create) > 0 {
				got = append(got, "create")
			}
			for _, app := range plan.Create {
				got = append(got, app.Name)
			}
			if err != nil {
				got = append(got, unnamed(err).Error())
			}
			if text := strings.Join(got, " "); text != tt.want || len(plan.Update)+len(plan.Delete) > 0 {
				t.Errorf("got %q, and %+v, want %q", text, plan, tt.want)
			}
			if len(w.requests) > 0 {
				t.Errorf("it asked for %q", w.requests)
			}
		})
	}
}
