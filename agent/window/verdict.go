package window

import (
	"slices"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
)

// maxSteps is how many changes of windows At follows in search of one that changes the
// verdict. Only windows that take turns for ever need so many.
const maxSteps = 1000

// A Verdict says whether an Application may sync. The zero Verdict refuses.
type Verdict struct {
	Allowed bool
	// Window is the one that decides, such as deny "0 22 * * *" 8h Europe/Berlin. Of
	// several it is the one to wait for: of open windows one that is still open right before
	// Until, or before what decides next; of closed ones the first to open. Empty if it
	// takes no window.
	Window string
	// Until is when Allowed changes, in UTC. Zero is never: not within ten years, nor
	// within the next thousand times that a window opens or closes.
	Until time.Time
	// Reason is a sentence for people, without Until.
	Reason string
}

// String is the verdict in a line, such as: denied until 2026-03-29T05:00:00Z: deny
// "0 22 * * *" 8h Europe/Berlin is open.
func (v Verdict) String() string {
	text := "denied"
	if v.Allowed {
		text = "allowed"
	}
	if !v.Until.IsZero() {
		text += " until " + v.Until.Format(time.RFC3339Nano)
	}
	return text + ": " + v.Reason
}

// Windows are those that match an Application.
type Windows struct{ denies, allows []*window }

func collect(windows []*window, matches func(*window) bool) *Windows {
	ws := &Windows{}
	for _, w := range windows {
		switch {
		case !matches(w):
		case w.kind == api.WindowDeny:
			ws.denies = append(ws.denies, w)
		default:
			ws.allows = append(ws.allows, w)
		}
	}
	return ws
}

// At judges whether a sync may begin. It is manual unless the agent itself began it.
//
// Without windows it may. An open deny forbids it; so do allows that are all closed. A
// manual sync is let through if all open denies have manualSync, whatever the allows
// say, or if none is open and all allows have manualSync.
func (ws *Windows) At(now time.Time, manual bool) Verdict {
	return ws.verdict(now, excuses(manual, false))
}

// Overrun judges whether a sync that began at startedAt may go on. It may whenever At
// lets one begin. If it began when At let it, it also may if all open denies, or with no
// window open all allows, have syncOverrun.
func (ws *Windows) Overrun(startedAt, now time.Time, manual bool) Verdict {
	began := ws.judge(startedAt, excuses(manual, false)).allowed
	return ws.verdict(now, excuses(manual, began))
}

// An excuse lets a sync through if it covers all windows that forbid it.
type excuse struct {
	covers func(*window) bool
	reason string
}

func excuses(manual, began bool) []excuse {
	var list []excuse
	if manual {
		list = append(list, excuse{func(w *window) bool { return w.manualSync }, ", but lets people sync"})
	}
	if began {
		list = append(list, excuse{func(w *window) bool { return w.syncOverrun }, ", but lets a sync run on that began in time"})
	}
	return list
}

// A ruling is a verdict for an instant.
type ruling struct {
	allowed bool
	window  *window
	reason  string
	// holds is until when allowed surely stays as it is; zero is for ever.
	holds time.Time
}

// verdict follows rulings up to the first that differs.
func (ws *Windows) verdict(now time.Time, excuses []excuse) Verdict {
	first := ws.judge(now, excuses)
	v := Verdict{Allowed: first.allowed, Reason: first.reason}
	if first.window != nil {
		v.Window = first.window.String()
		v.Reason = v.Window + first.reason
	}
	next := first
	for range maxSteps {
		at := next.holds
		if at.IsZero() {
			break
		}
		if next = ws.judge(at, excuses); next.allowed != first.allowed {
			v.Until = at
			break
		}
	}
	return v
}

func (ws *Windows) judge(now time.Time, excuses []excuse) ruling {
	denying, quiet := partition(ws.denies, now)
	if len(denying) > 0 {
		return judgeDenied(denying, quiet, now, excuses)
	}
	_, denied := firstToOpen(quiet, now)
	if allowing, _ := partition(ws.allows, now); len(allowing) > 0 {
		w, closes := lastToClose(allowing, now, denied)
		return ruling{true, w, " is open", closes}
	}
	switch {
	case len(ws.allows) > 0:
		return judgeClosed(ws.allows, denied, now, excuses)
	case len(ws.denies) > 0:
		return ruling{true, nil, "no deny window is open", denied}
	default:
		return ruling{allowed: true, reason: "no sync window matches"}
	}
}

// judgeDenied judges an instant at which denies are open, and others are quiet. None of
// the excuses holds as long as it does not cover one that is open.
func judgeDenied(denying, quiet []*window, now time.Time, excuses []excuse) ruling {
	forbidding := [][]*window{denying}
	for i, e := range excuses {
		rest := slices.DeleteFunc(slices.Clone(denying), e.covers)
		if len(rest) == 0 {
			_, denied := firstToOpen(quiet, now)
			w, closes := lastToClose(denying, now, denied)
			return ruling{true, w, " is open" + e.reason, closes}
		}
		forbidding = append(forbidding[:i], rest)
	}
	r := ruling{reason: " is open"}
	for _, windows := range forbidding {
		if w, closes := lastToClose(windows, now, r.holds); r.window == nil || before(closes, r.holds) {
			r.window, r.holds = w, closes
		}
	}
	return r
}

// judgeClosed judges an instant at which there is no open window, but a closed allow.
// denied is when the first deny opens: that may forbid a sync, and may excuse it.
func judgeClosed(allows []*window, denied, now time.Time, excuses []excuse) ruling {
	w, opens := firstToOpen(allows, now)
	for _, e := range excuses {
		if !slices.ContainsFunc(allows, func(w *window) bool { return !e.covers(w) }) {
			return ruling{true, w, " is closed" + e.reason, denied}
		}
	}
	if len(excuses) > 0 {
		opens = sooner(opens, denied)
	}
	return ruling{false, w, " is closed", opens}
}

func partition(windows []*window, now time.Time) (open, closed []*window) {
	for _, w := range windows {
		if w.isOpen(now) {
			open = append(open, w)
		} else {
			closed = append(closed, w)
		}
	}
	return open, closed
}

// lastToClose returns which of open windows closes last, and when, or one that is open
// until by, and by.
func lastToClose(open []*window, now, by time.Time) (last *window, at time.Time) {
	for _, w := range open {
		closes := w.closes(now, by)
		if last == nil || before(at, closes) {
			last, at = w, closes
		}
		if at.Equal(by) {
			break
		}
	}
	return last, at
}

// firstToOpen returns which of closed windows opens first, and when.
func firstToOpen(closed []*window, now time.Time) (first *window, at time.Time) {
	for _, w := range closed {
		if opens := w.opens(now); first == nil || before(opens, at) {
			first, at = w, opens
		}
	}
	return first, at
}

// never is after all other instants.
var never time.Time

// before compares instants.
func before(a, b time.Time) bool { return !a.IsZero() && (b.IsZero() || a.Before(b)) }

func sooner(a, b time.Time) time.Time {
	if before(b, a) {
		return b
	}
	return a
}
