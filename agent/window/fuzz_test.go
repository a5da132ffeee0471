package window

import (
	"strings"
	"testing"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/tidelock-io/tidelock/agent/api"
)

// FuzzCompile compiles one window: nothing panics, an error is one line, what compiles is
// what robfig/cron reads as five fields, and in UTC it opens when that says so.
func FuzzCompile(f *testing.F) {
	for _, seed := range []string{
		"0 22 * * *", "*/15 9-17 * * MON-FRI", "0 0 30 2 *", "0 0 29 2 *", "0 , * * *", "? ? ? ? ?", "5/7 */5 1-31/2 jan,Dec 0-6",
		"TZ=UTC 0 0 * * *", "CRON_TZ= 0 0 * * *", "TZ=UTC", "@daily", "0 0 0 0 0", "0-59/99999999999 0 * * *", "- - - - -", "*-5 * * * *", "0 0 13 * 5",
	} {
		f.Add(seed, "Europe/Berlin", "1h", int64(1774746000))
	}
	f.Add("30 2 * * *", "Australia/Lord_Howe", "24h", int64(-1))
	f.Add("* * * * *", "UTC", "-1m", int64(1<<40))
	f.Fuzz(func(t *testing.T, schedule, zone, duration string, unix int64) {
		if unix < -1<<40 || unix > 1<<40 {
			return
		}
		w := api.SyncWindow{Kind: api.WindowDeny, Schedule: schedule, TimeZone: zone, Duration: duration, Applications: []string{"*"}}
		s, err := Compile([]api.SyncWindow{w})
		if err != nil {
			if strings.ContainsAny(err.Error(), "\r\n\x1b") {
				t.Errorf("%q", err)
			}
			return
		}
		now := time.Unix(unix, 0)
		verdictHolds(t, s.All(), now)
		strikesAgree(t, s.windows[0], unix)
		if s.windows[0].zone == time.UTC && !strings.Contains(schedule, "TZ=") {
			opensAsCron(t, s.windows[0], schedule, now.UTC())
		}
	})
}

// verdictHolds checks that a verdict has changed at Until, and not right before.
func verdictHolds(t *testing.T, ws *Windows, now time.Time) {
	v := ws.At(now, false)
	if v.Until.IsZero() {
		return
	}
	if !v.Until.After(now) || ws.At(v.Until, false).Allowed == v.Allowed || ws.At(v.Until.Add(-1), false).Allowed != v.Allowed {
		t.Errorf("at %s: %s; then %s", now, v, ws.At(v.Until, false))
	}
}

// strikesAgree checks both directions of search against one another.
func strikesAgree(t *testing.T, w *window, instant int64) {
	next, ok := w.from(instant)
	if !ok {
		return
	}
	if last, ok := w.last(next); !ok || last != next || next < instant {
		t.Errorf("%s: from %d it strikes at %d, before which the last is %d", w, instant, next, last)
	}
	if last, ok := w.last(next - 1); ok && last >= instant {
		t.Errorf("%s: from %d it strikes at %d, but at %d before", w, instant, next, last)
	}
}

func opensAsCron(t *testing.T, w *window, schedule string, now time.Time) {
	parsed, err := cron.ParseStandard(schedule)
	if err != nil {
		t.Fatalf("%q compiles, but: %v", schedule, err)
	}
	next, ok := w.from(now.Unix() + 1)
	want := parsed.Next(now)
	if want.IsZero() { // it looks ahead five years only
		return
	}
	if !ok || next != want.Unix() {
		t.Errorf("%s: after %s it strikes at %s, want %s", w, now, time.Unix(next, 0).UTC(), want)
	}
}
