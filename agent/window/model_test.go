package window

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/tidelock-io/tidelock/agent/api"
)

// The model is a cron daemon that looks at its clock every minute, and the rules of sync
// windows put down one by one. It covers some days around an instant.
const (
	modelBefore = 4 * 24 * time.Hour
	modelAfter  = 5 * 24 * time.Hour
)

type model struct {
	start   time.Time
	windows []modelWindow
}

type modelWindow struct {
	api.SyncWindow
	open []bool // by minutes since start
}

func newModel(t *testing.T, windows []api.SyncWindow, around time.Time) *model {
	m := &model{start: around.Add(-modelBefore)}
	for _, w := range windows {
		m.windows = append(m.windows, modelWindow{w, openMinutes(t, w, m.start)})
	}
	return m
}

// openMinutes runs the daemon, from two days earlier than it reports.
func openMinutes(t *testing.T, w api.SyncWindow, start time.Time) []bool {
	parsed, err := cron.ParseStandard(w.Schedule)
	if err != nil {
		t.Fatal(err)
	}
	zone, err := time.LoadLocation(w.TimeZone)
	if err != nil {
		t.Fatal(err)
	}
	length, err := time.ParseDuration(w.Duration)
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(w.Schedule)
	star := strings.Contains(fields[0]+fields[1], "*")
	const warmUp = 2 * 24 * 60
	matching := map[int64]bool{}
	end := start.Add(modelBefore + modelAfter + 24*time.Hour)
	for at := parsed.Next(start.Add(-4 * 24 * time.Hour)); !at.IsZero() && at.Before(end); at = parsed.Next(at) {
		matching[at.Unix()] = true
	}
	open := make([]bool, warmUp+int((modelBefore+modelAfter)/time.Minute))
	var seen, latest time.Time
	left := 0
	for i := range open {
		wall := onTheWall(start.Add(time.Duration(i-warmUp)*time.Minute), zone)
		if i == 0 {
			seen, latest = wall.Add(-time.Minute), wall.Add(-time.Minute)
		}
		after := latest // what the clock has shown is over,
		if star {
			after = seen // but with a star only if it was not put back since
			if !wall.After(seen) {
				after = wall.Add(-time.Minute)
			}
		}
		for minute := wall; minute.After(after); minute = minute.Add(-time.Minute) {
			if matching[minute.Unix()] {
				left = int(length / time.Minute)
			}
		}
		seen = wall
		if wall.After(latest) {
			latest = wall
		}
		open[i] = left > 0
		left--
	}
	return open[warmUp:]
}

// onTheWall is what a clock shows, as if it were UTC.
func onTheWall(at time.Time, zone *time.Location) time.Time {
	t := at.In(zone)
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), 0, 0, time.UTC)
}

func (m *model) minute(at time.Time) int {
	return int(at.Truncate(time.Minute).Sub(m.start) / time.Minute)
}

// allowed is the algebra.
func (m *model) allowed(minute int, manual, began bool) bool {
	var openDenies, openAllows, allows []modelWindow
	for _, w := range m.windows {
		switch open := w.open[minute]; {
		case w.Kind == api.WindowDeny && open:
			openDenies = append(openDenies, w)
		case w.Kind == api.WindowAllow:
			allows = append(allows, w)
			if open {
				openAllows = append(openAllows, w)
			}
		}
	}
	all := func(windows []modelWindow, has func(modelWindow) bool) bool {
		return !slices.ContainsFunc(windows, func(w modelWindow) bool { return !has(w) })
	}
	excused := func(windows []modelWindow) bool {
		return manual && all(windows, func(w modelWindow) bool { return w.ManualSync }) ||
			began && all(windows, func(w modelWindow) bool { return w.SyncOverrun })
	}
	switch {
	case len(openDenies) > 0:
		return excused(openDenies)
	case len(openAllows) > 0, len(allows) == 0:
		return true
	default:
		return excused(allows)
	}
}

// changes returns the first minute after one at which allowed changes; zero if the model
// does not reach so far.
func (m *model) changes(minute int, manual, began bool) time.Time {
	was := m.allowed(minute, manual, began)
	for i := minute; i < int((modelBefore+modelAfter)/time.Minute); i++ {
		if m.allowed(i, manual, began) != was {
			return m.start.Add(time.Duration(i) * time.Minute)
		}
	}
	return time.Time{}
}

// TestModel compares random windows at random instants, mostly close to a change of
// clocks, with the model.
func TestModel(t *testing.T) {
	rounds := 100
	if testing.Short() {
		rounds = 20
	}
	for seed := range uint64(rounds) {
		random := rand.New(rand.NewPCG(seed, 1))
		windows := randomWindows(random)
		s, err := Compile(windows)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		around := randomInstant(t, random)
		m, ws := newModel(t, windows, around), s.All()
		for _, w := range s.windows {
			compareOpen(t, m, w)
		}
		for range 20 {
			now := around.Add(time.Duration(random.Int64N(int64(4 * 24 * time.Hour))))
			if random.IntN(4) > 0 {
				now = now.Truncate(time.Minute)
			}
			compare(t, m, ws, random, now)
		}
		if t.Failed() {
			t.Fatalf("seed %d: %s", seed, s.describe())
		}
	}
}

// compareOpen compares a window with the model's, minute by minute.
func compareOpen(t *testing.T, m *model, w *window) {
	t.Helper()
	for i, open := range m.windows[w.index].open {
		at := m.start.Add(time.Duration(i) * time.Minute)
		if w.isOpen(at) != open || w.isOpen(at.Add(time.Minute-1)) != open {
			t.Errorf("%s at %s: open %v, want %v", w, at, !open, open)
			return
		}
	}
}

func compare(t *testing.T, m *model, ws *Windows, random *rand.Rand, now time.Time) {
	t.Helper()
	manual := random.IntN(2) == 0
	check := func(call string, v Verdict, began bool) {
		t.Helper()
		until := m.changes(m.minute(now), manual, began)
		if want := m.allowed(m.minute(now), manual, began); v.Allowed != want {
			t.Errorf("%s at %s, manual %v: %s, want allowed %v", call, now, manual, v, want)
		}
		if !until.Equal(v.Until) && (!until.IsZero() || before(v.Until, m.start.Add(modelBefore+modelAfter))) {
			t.Errorf("%s at %s, manual %v: %s, want until %s", call, now, manual, v, until)
		}
	}
	check("At", ws.At(now, manual), false)
	began := now.Add(-time.Duration(random.Int64N(int64(modelBefore))))
	check("Overrun since "+began.String(), ws.Overrun(began, now, manual), m.allowed(m.minute(began), manual, false))
}

// describe prints windows for a failure.
func (s *Schedule) describe() string {
	var b strings.Builder
	for _, w := range s.windows {
		fmt.Fprintf(&b, "\n%s manualSync=%v syncOverrun=%v", w, w.manualSync, w.syncOverrun)
	}
	return b.String()
}

func pick[T any](random *rand.Rand, of ...T) T { return of[random.IntN(len(of))] }

func randomWindows(random *rand.Rand) []api.SyncWindow {
	windows := make([]api.SyncWindow, random.IntN(5))
	for i := range windows {
		windows[i] = api.SyncWindow{
			Kind:     pick(random, api.WindowAllow, api.WindowDeny),
			Schedule: randomSchedule(random),
			Duration: pick(random, "1m", "5m", "10m", "15m", "30m", "1h", "1h30m", "2h", "3h", "8h", "23h", "24h", "25h", "26h", "40h"),
			TimeZone: pick(random, "", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Cairo", "America/Santiago"),
		}
		windows[i].ManualSync, windows[i].SyncOverrun = random.IntN(2) == 0, random.IntN(2) == 0
	}
	return windows
}

func randomSchedule(random *rand.Rand) string {
	minute := pick(random, "0", "0", "30", "45", "15,45", "*", "*/15", "*/7", "20-40", fmt.Sprint(random.IntN(60)))
	hour := pick(random, "1", "2", "2", "3", "0", "23", "*", "*/2", "0-22/2", "9-17", "*/5", "0,1,2,3", fmt.Sprint(random.IntN(24)))
	day := pick(random, "*", "*", "*", "*", "1-7", "29", "25,26", "*/2")
	month := pick(random, "*", "*", "*", "3,4,10,11", "JAN-OCT")
	weekday := pick(random, "*", "*", "*", "0", "MON-FRI", "SAT,SUN")
	return strings.Join([]string{minute, hour, day, month, weekday}, " ")
}

// randomInstant is the start of two days, most often before a change of clocks.
func randomInstant(t *testing.T, random *rand.Rand) time.Time {
	day := pick(random,
		"2026-03-28", "2026-10-24", // Berlin
		"2026-03-07", "2026-10-31", // New York
		"2026-04-03", "2026-10-02", // Lord Howe
		"2026-04-23", "2026-10-29", // Cairo, at midnight
		"2026-04-04", "2026-09-05", // Santiago, at midnight
		"2026-06-14", "2027-12-30", "2028-02-28", "2040-12-30", "2060-03-27", "2060-10-30")
	return instant(t, day+"T00:00:00Z").Add(-time.Duration(random.IntN(24)) * time.Hour)
}
