package apply

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
)

// Give writes the marks of another application on a live object, and nothing
// else: it is that one's from then on. An object that has become another's, or
// is gone, stays as it is, of which a watch will tell.
func (a *Applier) Give(ctx context.Context, live *diff.Live, app, trackingID string) error {
	label := "/metadata/labels/" + escaped(api.LabelApp)
	patch, err := json.Marshal([]map[string]any{
		{"op": "test", "path": "/metadata/uid", "value": live.UID},
		{"op": "test", "path": label, "value": api.AppLabel(live.App)},
		{"op": "replace", "path": label, "value": api.AppLabel(app)},
		{"op": "replace", "path": "/metadata/annotations/" + escaped(api.AnnotationTrackingID), "value": trackingID},
	})
	if err != nil {
		return err
	}
	if err := a.patchLive(ctx, live, patch); err != nil && !raced(err) {
		return fmt.Errorf("hand %s over to application %s: %w", live.Key, app, err)
	}
	return nil
}

// escaped writes a key as a part of a JSON pointer (RFC 6901).
func escaped(key string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
}
