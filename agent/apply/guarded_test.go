package apply

import (
	"context"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// A panic over one object is that object's failure; the others go on.
func TestEachSurvivesAPanic(t *testing.T) {
	var changes []diff.Change
	for _, name := range []string{"a", "b", "c"} {
		changes = append(changes, diff.Change{Key: manifest.Key{Kind: "Secret", Namespace: "shop", Name: name}})
	}
	one := func(_ context.Context, c diff.Change) Result {
		if c.Key.Name == "b" {
			panic([]byte("hunter2-canary"))
		}
		return Result{Key: c.Key, Code: api.ResultSynced}
	}
	for _, list := range [][]diff.Change{changes, changes[1:2]} {
		failed := Failed(each(t.Context(), list, one))
		if len(failed) != 1 || failed[0].Key.Name != "b" || failed[0].Code != api.ResultSyncFailed || !strings.Contains(failed[0].Message, "panic with a []uint8 in ") {
			t.Errorf("got %+v", failed)
		}
		if strings.Contains(failed[0].Err.Error(), "hunter2") {
			t.Errorf("it says %s", failed[0].Err)
		}
	}
}
