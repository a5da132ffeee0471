package render_test

import (
	"context"
	"encoding/json"
	"runtime"
	"testing"
	"weak"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// What a render was asked with, and what it decrypted, is let go of when it has ended:
// only the outcome is kept, for as long as its Application is there.
func TestPassIsLetGoOf(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apps)
	asked := weakly(t, w, "apps/overlay/")
	for range 3 { // what a first collection finds unused may be freed by the next
		runtime.GC()
	}
	if asked.Value() != nil {
		t.Error("the request is still held")
	}
	if result, err := w.render(api.Source{Path: "apps/overlay/"}); err != nil || !result.Cached {
		t.Errorf("the outcome is not: %v", err)
	}
}

// weakly renders, and returns what is there as long as the request is.
func weakly(t *testing.T, w *world, path string) weak.Pointer[[1 << 10]byte] {
	t.Helper()
	held := new([1 << 10]byte)
	req := w.request(api.Source{Path: path})
	req.Lookup = func(context.Context, sdk.Object) (json.RawMessage, error) { return held[:], nil }
	if _, err := w.engine.Render(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	return weak.Make(held)
}
