package window

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
)

func windowOf(kind api.WindowKind, schedule, duration, zone string, apps ...string) api.SyncWindow {
	return api.SyncWindow{Kind: kind, Schedule: schedule, Duration: duration, TimeZone: zone, Applications: apps}
}

func TestFaults(t *testing.T) {
	const allow, deny = api.WindowAllow, api.WindowDeny
	people := windowOf(deny, "0 0 * * *", "24h", "", "*")
	people.ManualSync = true
	for _, tt := range []struct {
		name    string
		windows []api.SyncWindow
		want    string // "INDEX words"
	}{
		{"nothing is wrong", []api.SyncWindow{windowOf(allow, "0 8 * * *", "8h", "", "web"), windowOf(deny, "0 12 * * *", "1h", "", "*")}, ""},
		{"a day that there is not", []api.SyncWindow{windowOf(deny, "0 0 30 2 *", "1h", "", "*")}, "0 never opens"},
		{"no length", []api.SyncWindow{windowOf(allow, "0 8 * * *", "0s", "", "*")}, "0 never opens"},
		{"nothing matches", []api.SyncWindow{windowOf(allow, "0 8 * * *", "1h", "", "wbe")}, "0 matches none"},
		{"a deny for ever", []api.SyncWindow{windowOf(deny, "* * * * *", "1h", "", "web")}, "0 never ends"},
		{"a deny for ever, but for people", []api.SyncWindow{people}, ""},
		{"covered by that", []api.SyncWindow{people, windowOf(allow, "0 8 * * *", "1h", "", "web")}, "1 is only open while"},
		{"a deny for ever is told, not what it covers", []api.SyncWindow{windowOf(deny, "0 0 * * *", "24h", "", "*"), windowOf(allow, "0 8 * * *", "1h", "", "web")}, "0 never ends"},
		{"covered in another zone", []api.SyncWindow{windowOf(allow, "0 8 * * *", "1h", "UTC", "web"), windowOf(deny, "0 8 * * *", "3h", "Europe/Berlin", "*")}, "0 is only open while"},
		{"covered in winter and in summer", []api.SyncWindow{windowOf(allow, "0 8 * * *", "1h", "UTC", "web"), windowOf(deny, "0 9 * * *", "2h", "Europe/Berlin", "*")}, "0 is only open while"},
		{"not covered in summer", []api.SyncWindow{windowOf(allow, "0 8 * * *", "1h", "UTC", "web"), windowOf(deny, "0 9 * * *", "1h", "Europe/Berlin", "*")}, ""},
		{"a minute is left", []api.SyncWindow{windowOf(allow, "0 8 * * *", "1h", "", "web"), windowOf(deny, "1 8 * * *", "1h", "", "*")}, ""},
		{"a day is left", []api.SyncWindow{windowOf(allow, "0 8 * * *", "1h", "", "web"), windowOf(deny, "0 7 * 1-11 *", "3h", "", "*")}, ""},
		{"for one Application only", []api.SyncWindow{windowOf(allow, "0 8 * * *", "1h", "", "*"), windowOf(deny, "0 7 * * *", "3h", "", "web")}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := Compile(tt.windows)
			if err != nil {
				t.Fatal(err)
			}
			targets := []Target{{Application: "web"}, {Application: "api"}}
			faults := s.Faults(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), targets)
			if got := strings.TrimSpace(fmt.Sprint(faults)); tt.want == "" && len(faults) > 0 {
				t.Errorf("got %s", got)
			}
			index, words, _ := strings.Cut(tt.want, " ")
			if tt.want != "" && (len(faults) != 1 || fmt.Sprint(faults[0].Index) != index || !strings.Contains(faults[0].Text, words)) {
				t.Errorf("got %v, want %s", faults, tt.want)
			}
		})
	}
}

// What is found, and how it is said, is the same at any hour.
func TestFaultsAreOfNoDay(t *testing.T) {
	s, err := Compile([]api.SyncWindow{
		windowOf(api.WindowAllow, "0 8 * * 1-5", "8h", "Europe/Berlin", "web"), windowOf(api.WindowDeny, "0 7 * * *", "10h", "Europe/Berlin", "*"),
		windowOf(api.WindowAllow, "0 0 1 7 *", "24h", "America/New_York", "web"), windowOf(api.WindowDeny, "0 0 29 2 *", "24h", "", "web"),
		windowOf(api.WindowDeny, "0 0 31 4 *", "24h", "", "web"), windowOf(api.WindowDeny, "*/10 * * * *", "10m", "", "api"),
	})
	if err != nil {
		t.Fatal(err)
	}
	targets := []Target{{Application: "web"}, {Application: "api"}}
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	want := fmt.Sprint(s.Faults(at, targets))
	for ; at.Year() == 2026; at = at.Add(13*24*time.Hour + 7*time.Hour + 11*time.Minute) {
		if got := fmt.Sprint(s.Faults(at, targets)); got != want {
			t.Fatalf("%s:\n%s\nwant\n%s", at, got, want)
		}
	}
	if strings.Contains(want, "202") || !strings.Contains(want, "never opens") || !strings.Contains(want, "is only open") {
		t.Errorf("got %s", want)
	}
}
