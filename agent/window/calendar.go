package window

import (
	"iter"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
)

// An Opening is a stretch of time in which a window is open.
type Opening struct {
	// Index is the window's in spec.syncWindows.
	Index int
	Kind  api.WindowKind
	// Window is as in Verdict.
	Window string
	// From and To are in the window's zone. The window is open at From, and no longer at
	// To. A zero To is never: not within ten years.
	From, To time.Time
}

// Next returns the openings of the windows from one instant until before another, in the
// order in which they begin. A window that is open at the first instant opens then. What
// follows without a gap is one opening, so a window that opens every minute for an hour
// has but one.
func (ws *Windows) Next(from, to time.Time) iter.Seq[Opening] {
	return func(yield func(Opening) bool) {
		var rows []row
		for _, list := range [][]*window{ws.denies, ws.allows} {
			for _, w := range list {
				rows = append(rows, row{w, w.openFrom(from)})
			}
		}
		for {
			next := firstRow(rows)
			if next == nil || !before(next.at, to) {
				return
			}
			o := next.window.opening(next.at)
			if !yield(o) {
				return
			}
			next.at = time.Time{}
			if !o.To.IsZero() {
				next.at = next.window.opens(o.To)
			}
		}
	}
}

// A row is a window in the calendar, and when it opens next.
type row struct {
	window *window
	at     time.Time
}

// firstRow returns the row that comes next, by time and then by index; nil without rows.
func firstRow(rows []row) *row {
	var first *row
	for i := range rows {
		r := &rows[i]
		if first == nil || before(r.at, first.at) || r.at.Equal(first.at) && r.window.index < first.window.index {
			first = r
		}
	}
	return first
}

// openFrom returns the first instant from now on at which the window is open.
func (w *window) openFrom(now time.Time) time.Time {
	if w.isOpen(now) {
		return now
	}
	return w.opens(now)
}

func (w *window) opening(at time.Time) Opening {
	o := Opening{Index: w.index, Kind: w.kind, Window: w.String(), From: at.In(w.zone)}
	if closes := w.closes(at, never); !closes.IsZero() {
		o.To = closes.In(w.zone)
	}
	return o
}
