package external

import (
	"fmt"
	"time"

	"github.com/robfig/cron/v3"
)

// windows are spec.syncWindows: when a periodic refresh may be, or may not, in
// UTC.
type windows struct {
	Kind    string `json:"kind"`
	Windows []struct {
		Schedule string `json:"schedule"`
		Duration string `json:"duration"`
	} `json:"windows"`
}

// maxSteps bounds the search for the end of windows that follow one another.
const maxSteps = 1000

func (w *windows) check() error {
	if (w.Kind != "allow" && w.Kind != "deny") || len(w.Windows) == 0 {
		return fmt.Errorf("%w: spec.syncWindows needs kind allow or deny, and windows", ErrInvalid)
	}
	for i, window := range w.Windows {
		if _, err := cron.ParseStandard(window.Schedule); err != nil {
			return fmt.Errorf("%w: spec.syncWindows.windows[%d].schedule %q is no schedule such as 0 22 * * *", ErrInvalid, i, window.Schedule)
		}
		if lasts, err := time.ParseDuration(window.Duration); err != nil || lasts <= 0 {
			return fmt.Errorf("%w: spec.syncWindows.windows[%d].duration %q is no duration such as 1h", ErrInvalid, i, window.Duration)
		}
	}
	return nil
}

// open returns the first time from t on at which a refresh may be, zero if there
// is none.
func (w *windows) open(t time.Time) time.Time {
	t = t.UTC()
	if w.Kind == "allow" {
		return w.opens(t)
	}
	for range maxSteps {
		end := w.end(t)
		if end.IsZero() {
			return t
		}
		t = end
	}
	return time.Time{}
}

// opens returns t if it is in a window, and the start of the next one otherwise.
func (w *windows) opens(t time.Time) (first time.Time) {
	if !w.end(t).IsZero() {
		return t
	}
	for _, window := range w.Windows {
		schedule, err := cron.ParseStandard(window.Schedule)
		if err != nil {
			continue // check has refused it
		}
		if next := schedule.Next(t); first.IsZero() || !next.IsZero() && next.Before(first) {
			first = next
		}
	}
	return first
}

// end returns when a window ends that t is in, zero if it is in none.
func (w *windows) end(t time.Time) time.Time {
	for _, window := range w.Windows {
		schedule, err := cron.ParseStandard(window.Schedule)
		lasts, errLasts := time.ParseDuration(window.Duration)
		if err != nil || errLasts != nil {
			continue // check has refused it
		}
		if start := schedule.Next(t.Add(-lasts)); !start.IsZero() && !start.After(t) {
			return start.Add(lasts)
		}
	}
	return time.Time{}
}
