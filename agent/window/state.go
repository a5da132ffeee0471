package window

import (
	"cmp"
	"slices"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
)

// A State is how a window is at an instant.
type State struct {
	// Index is the window's in spec.syncWindows.
	Index int
	Kind  api.WindowKind
	// Window is as in Verdict.
	Window string
	Open   bool
	// Until is when an open window closes, or a closed one opens, in the window's
	// zone. Zero is never: not within ten years.
	Until time.Time
}

// States returns how each window is at an instant, in the order of spec.syncWindows.
func (ws *Windows) States(now time.Time) []State {
	var states []State
	for _, w := range slices.Concat(ws.denies, ws.allows) {
		states = append(states, w.state(now))
	}
	slices.SortFunc(states, func(a, b State) int { return cmp.Compare(a.Index, b.Index) })
	return states
}

func (w *window) state(now time.Time) State {
	s := State{Index: w.index, Kind: w.kind, Window: w.String(), Open: w.isOpen(now)}
	if s.Open {
		s.Until = w.closes(now, never)
	} else {
		s.Until = w.opens(now)
	}
	if !s.Until.IsZero() {
		s.Until = s.Until.In(w.zone)
	}
	return s
}
