package window

import (
	"fmt"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
)

func TestStates(t *testing.T) {
	s, err := Compile([]api.SyncWindow{
		{Kind: "allow", Schedule: "0 8 * * *", Duration: "10h", Applications: []string{"*"}},
		{Kind: "deny", Schedule: "0 22 * * *", Duration: "8h", TimeZone: "Europe/Berlin", Applications: []string{"*"}},
		{Kind: "deny", Schedule: "* * * * *", Duration: "1h", Applications: []string{"*"}},
		{Kind: "allow", Schedule: "0 0 30 2 *", Duration: "1h", Applications: []string{"*"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 28, 23, 30, 0, 0, time.UTC) // half an hour before the clocks change in Berlin
	want := []string{
		"0 allow open=false until=2026-03-29T08:00:00Z",
		"1 deny open=true until=2026-03-29T07:00:00+02:00",
		"2 deny open=true until=0001-01-01T00:00:00Z", // always
		"3 allow open=false until=0001-01-01T00:00:00Z",
	}
	states := s.All().States(now)
	if len(states) != len(want) {
		t.Fatalf("got %v", states)
	}
	for i, s := range states {
		if got := fmt.Sprintf("%d %s open=%v until=%s", s.Index, s.Kind, s.Open, s.Until.Format(time.RFC3339)); got != want[i] {
			t.Errorf("got %s, want %s", got, want[i])
		}
	}
}
