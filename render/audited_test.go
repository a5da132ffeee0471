package render_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/secrets/audit"
)

// Each decryption is told of, with the recipient whose key did it; what is answered
// from memory is none.
func TestDecryptionsAreAudited(t *testing.T) {
	w := newWorld(t, sealedApps)
	var told []audit.Event
	ctx := audit.With(t.Context(), func(e audit.Event) { told = append(told, e) })
	source := api.Source{Path: "plain"}
	_, err := w.engine.Render(ctx, w.request(source))
	if err == nil || len(told) != 1 || !errors.Is(told[0].Err, sdk.ErrNoKey) || len(told[0].Keys) != 0 {
		t.Fatalf("without a key: %v, told %v", err, told)
	}
	w.hold()
	told = nil
	for range 2 {
		if _, err := w.engine.Render(ctx, w.request(source)); err != nil {
			t.Fatal(err)
		}
	}
	if len(told) != 1 || told[0].Err != nil || told[0].Version == "" {
		t.Fatalf("with the key: told %v", told)
	}
	got := fmt.Sprint(told[0].Application, told[0].Kind, told[0].What, told[0].Keys)
	if want := fmt.Sprint("shop", "sops", "plain/s.yaml", []string{w.key.Recipient().String()}); got != want {
		t.Errorf("told %s, want %s", got, want)
	}
	w.quiet(fmt.Sprint(told), "hunter2", w.key.String())
}
