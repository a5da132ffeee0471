package window

import (
	"fmt"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the tests hold without a time zone database

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/tidelock-io/tidelock/agent/api"
)

// parse reads a list of windows.
func parse(t testing.TB, text string) []api.SyncWindow {
	t.Helper()
	var windows []api.SyncWindow
	if err := yaml.UnmarshalStrict([]byte(text), &windows); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return windows
}

// compiled is windows of text such as {kind: deny, schedule: 0 22 * * *, duration: 8h},
// all for one Application.
func compiled(t testing.TB, text string) *Windows {
	t.Helper()
	windows := parse(t, text)
	for i := range windows {
		windows[i].Applications = []string{"*"}
	}
	s, err := Compile(windows)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s.For(Target{Application: "shop"})
}

func instant(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func check(t *testing.T, got, want string) {
	t.Helper()
	got, want = strings.TrimSpace(got), strings.TrimSpace(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("got\n%s\nwant\n%s\n-want +got:\n%s", got, want, diff)
	}
}

// calendar prints openings, one a line.
func calendar(ws *Windows, from, to time.Time) string {
	var b strings.Builder
	for o := range ws.Next(from, to) {
		end := "for ever"
		if !o.To.IsZero() {
			end = o.To.Format("01-02 15:04 MST")
		}
		fmt.Fprintf(&b, "%s - %s\n", o.From.Format("01-02 15:04 MST"), end)
	}
	return b.String()
}
