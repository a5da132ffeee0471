package diff

import (
	"testing"

	"github.com/tidelock-io/tidelock/render/manifest"
)

func TestRestarts(t *testing.T) {
	set, err := manifest.Parse([]byte("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {template: {metadata: {annotations: {tidelock.io/rollout: Secret/db=2}}}}\n"), manifest.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	o := set[0]
	for name, c := range map[string]struct {
		change Change
		want   string
	}{
		"changed":  {Change{o.Key, Update, o, &Live{Rollout: "Secret/db=1"}}, "restarts because Secret db changed"},
		"tampered": {Change{o.Key, Drift, o, &Live{Rollout: "Secret/db=1"}}, "restarts because Secret db changed"},
		"as it is": {Change{o.Key, Update, o, &Live{Rollout: "Secret/db=2"}}, ""},
		"in sync":  {Change{o.Key, Same, o, &Live{Rollout: "Secret/db=1"}}, ""},
		"new":      {Change{o.Key, Create, o, nil}, ""},
		"gone":     {Change{o.Key, Extra, nil, &Live{Rollout: "Secret/db=1"}}, ""},
		"foreign":  {Change{o.Key, Foreign, o, &Live{Rollout: "Secret/db=1"}}, ""},
	} {
		if got := c.change.Restarts(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
