package window

import (
	"slices"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
)

// A Fault is what is wrong with a window on any day.
type Fault struct {
	// Index is the window's in spec.syncWindows.
	Index int
	Text  string
}

// maxCovered bounds how many openings of an allow are looked at, each of which a deny
// covers. It is a year of every hour.
const maxCovered = 9000

// Faults returns where windows never do what they are for: those that never open, match
// none of the targets, which are the project's Applications, or are overruled whenever
// they are open; and denials that never end. Unlike Lint it says nothing of days: from is
// where the search begins, and any day of a year gives the same answer.
func (s *Schedule) Faults(from time.Time, targets []Target) []Fault {
	var all []Fault
	for _, w := range s.windows {
		if text := s.fault(w, from, targets); text != "" {
			all = append(all, Fault{w.index, text})
		}
	}
	return all
}

func (s *Schedule) fault(w *window, from time.Time, targets []Target) string {
	matched := func(t Target) bool { return w.selector.matches(t) }
	switch {
	case w.openFrom(from).IsZero():
		return neverOpens(w)
	case w.selector.empty():
		return "" // told where the window is read
	case len(targets) > 0 && !slices.ContainsFunc(targets, matched):
		return w.String() + " matches none of the project's Applications; names and servers of clusters match only as an Application writes them"
	case w.kind == api.WindowDeny && w.isEndless(from) && !w.manualSync:
		return w.String() + " never ends: what it matches is never synced, by a person neither; set manualSync if people may"
	case w.kind == api.WindowAllow:
		return s.overruled(w, from, targets)
	}
	return ""
}

// isEndless says that a window is open for ever.
func (w *window) isEndless(from time.Time) bool {
	at := w.openFrom(from)
	return !at.IsZero() && w.closes(at, never).IsZero()
}

// overruled says that an allow is only open while denials are, which match all that it
// matches.
func (s *Schedule) overruled(allow *window, from time.Time, targets []Target) string {
	matched := slices.DeleteFunc(slices.Clone(targets), func(t Target) bool { return !allow.selector.matches(t) })
	var denies []*window
	for _, w := range s.windows {
		other := func(t Target) bool { return !w.selector.matches(t) }
		if w.kind == api.WindowDeny && !slices.ContainsFunc(matched, other) {
			denies = append(denies, w)
		}
	}
	if len(matched) == 0 || len(denies) == 0 {
		return ""
	}
	by := map[*window]bool{}
	at := from
	for range maxCovered {
		if at = allow.openFrom(at); !before(at, from.AddDate(0, 0, lintDays)) {
			break
		}
		closes := allow.closes(at, never)
		if !covered(denies, at, closes, by) {
			return ""
		}
		if closes.IsZero() {
			break
		}
		at = closes
	}
	if len(by) == 0 {
		return ""
	}
	text := allow.String() + " is only open while a deny is, which wins:"
	for _, w := range denies {
		if by[w] {
			text += " " + pathOf(w) + ", " + w.String() + ";"
		}
		if by[w] && w.isEndless(from) && !w.manualSync {
			return "" // told of that one
		}
	}
	return text[:len(text)-1]
}

// covered says that from one instant until before another, which is never if zero, some
// deny is open, and notes which. A deny is asked only until then.
func covered(denies []*window, at, to time.Time, by map[*window]bool) bool {
	for range maxCovered {
		open, _ := partition(denies, at)
		if len(open) == 0 {
			return false
		}
		w, closes := lastToClose(open, at, to)
		by[w] = true
		if !before(closes, to) {
			return true
		}
		at = closes
	}
	return true
}
