package window

import (
	"fmt"
	"slices"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
)

// A window is one entry of spec.syncWindows, compiled.
type window struct {
	index int
	kind  api.WindowKind
	clock
	duration time.Duration
	// written is the duration as the project has it.
	written string
	// breaks are those of the clock's times of day after which the window closes before
	// the next one of the same day. The last of a day is none.
	breaks []wall
	// unbroken is set if the window is open from one day to the next for ever, as long as
	// all days have 24 hours.
	unbroken                bool
	manualSync, syncOverrun bool
	selector                selector
}

// String is the window as messages have it: deny "0 22 * * *" 8h Europe/Berlin.
func (w *window) String() string {
	return fmt.Sprintf("%s %q %s %s", w.kind, w.text, w.written, w.zone)
}

// setDuration sets what follows from the duration.
func (w *window) setDuration(d time.Duration) {
	w.duration = d
	for i := 1; i < len(w.times); i++ {
		if !w.outlasts(60 * int64(w.times[i]-w.times[i-1])) {
			w.breaks = append(w.breaks, w.times[i-1])
		}
	}
	if n := len(w.times); n > 0 {
		night := minutesADay - w.times[n-1] + w.times[0]
		w.unbroken = w.everyDay && len(w.breaks) == 0 && w.outlasts(60*int64(night))
	}
}

// outlasts reports whether the window is still open so many seconds after it opened, or
// closes right then.
func (w *window) outlasts(seconds int64) bool {
	return time.Duration(seconds)*time.Second <= w.duration
}

// isOpen reports whether the window is open at an instant.
func (w *window) isOpen(now time.Time) bool {
	strike, ok := w.last(now.Unix())
	return ok && now.Before(w.end(strike))
}

func (w *window) end(strike int64) time.Time { return time.Unix(strike, 0).UTC().Add(w.duration) }

// opens returns when a window that is closed opens next; zero is never.
func (w *window) opens(now time.Time) time.Time {
	instant := now.Unix()
	if now.Nanosecond() > 0 {
		instant++
	}
	strike, ok := w.from(instant)
	if !ok || w.duration <= 0 {
		return time.Time{}
	}
	return time.Unix(strike, 0).UTC()
}

// closes returns when a window that is open closes, or by, if it is open until then;
// zero is never. Openings that follow one another without a gap are one.
func (w *window) closes(now, by time.Time) time.Time {
	strike, ok := w.last(now.Unix())
	end := strike + horizon
	if !by.IsZero() {
		end = min(end, by.Unix()+1)
	}
	for ok && strike < end {
		strike = w.streak(strike, end)
		next, more := w.from(strike + 1)
		if !more || !w.outlasts(next-strike) {
			return sooner(w.end(strike), by)
		}
		strike = next
	}
	return by
}

// streak returns a later strike, or the same, up to which the window does not close. It
// goes by days, for there are windows that open every minute, and is content with the
// end of the zone's period.
func (w *window) streak(strike, end int64) int64 {
	p := w.period(strike)
	at := floorMinute(strike + p.offset)
	if !w.has(at) {
		return strike // the clocks skipped it
	}
	last, _ := w.pattern.last(ceilMinute(min(p.end, end)+p.offset) - 1)
	if !w.unbroken {
		last = min(last, w.unbrokenFrom(at, last))
	}
	return max(strike, int64(last)*60-p.offset)
}

// unbrokenFrom returns the last match on the wall clock, from one on, up to which the
// window does not close. It stops at the first after end.
func (w *window) unbrokenFrom(at, end wall) wall {
	for at < end {
		day, minute := split(at)
		if i, _ := slices.BinarySearch(w.breaks, minute); i < len(w.breaks) {
			return day*minutesADay + w.breaks[i]
		}
		at = day*minutesADay + w.times[len(w.times)-1]
		next, ok := w.pattern.from(at + 1)
		if !ok || !w.outlasts(60*int64(next-at)) {
			return at
		}
		at = next
	}
	return at
}
