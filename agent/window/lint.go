package window

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/tidelock-io/tidelock/agent/api"
)

const (
	// lintDays is how far ahead Lint looks for windows that are open together.
	lintDays = 366
	// maxOverlap bounds the search by openings.
	maxOverlap = 10_000
)

// Lint returns where windows do other than they seem to, as of now: one sentence each,
// beginning with the field's path. Targets are the project's Applications; without any,
// nothing is said of which windows match.
func (s *Schedule) Lint(now time.Time, targets []Target) []string {
	l := linter{now: now, targets: targets}
	for _, w := range s.windows {
		l.opens(w)
		l.matches(w)
		for _, other := range s.windows {
			l.together(w, other)
		}
	}
	return l.warnings
}

type linter struct {
	now      time.Time
	targets  []Target
	warnings []string
}

func (l *linter) addf(w *window, format string, args ...any) {
	l.warnings = append(l.warnings, pathOf(w)+": "+fmt.Sprintf(format, args...))
}

func pathOf(w *window) string { return field.NewPath("spec", "syncWindows").Index(w.index).String() }

// opens warns of windows that never open, and of those that cover every day but one.
func (l *linter) opens(w *window) {
	at := w.openFrom(l.now)
	if at.IsZero() {
		l.addf(w, "%s", neverOpens(w))
		return
	}
	if closes := w.closes(at, never); w.unbroken && !closes.IsZero() {
		l.addf(w, "%s covers every day, but closes at %s, when the clocks go back and a day is longer; a longer duration would not",
			w, closes.In(w.zone).Format(time.RFC3339))
	}
}

// matches warns of windows that match no Application.
func (l *linter) matches(w *window) {
	matched := func(t Target) bool { return w.selector.matches(t) }
	switch {
	case w.selector.empty():
		l.addf(w, "%s has no applications, namespaces or clusters, and so matches nothing", w)
	case len(l.targets) > 0 && !slices.ContainsFunc(l.targets, matched):
		l.addf(w, "%s matches none of the project's Applications; names and servers of clusters match only as an Application writes them", w)
	}
}

// together warns of an allow that is open while a deny is, for the same Application.
func (l *linter) together(allow, deny *window) {
	both := func(t Target) bool { return allow.selector.matches(t) && deny.selector.matches(t) }
	if allow.kind != api.WindowAllow || deny.kind != api.WindowDeny || !slices.ContainsFunc(l.targets, both) {
		return
	}
	from, to := overlap(allow, deny, l.now)
	if from.IsZero() {
		return
	}
	until := "for ever"
	if !to.IsZero() {
		until = "until " + to.In(allow.zone).Format(time.RFC3339)
	}
	l.addf(allow, "%s is open from %s %s, but so is %s, %s, and a deny wins",
		allow, from.In(allow.zone).Format(time.RFC3339), until, pathOf(deny), deny)
}

// overlap returns the first time from now on at which both windows are open, and when
// one closes.
func overlap(a, b *window, now time.Time) (from, to time.Time) {
	end := now.AddDate(0, 0, lintDays)
	at := now
	for range maxOverlap {
		if at = a.openFrom(at); !before(at, end) {
			break
		}
		if at = b.openFrom(at); !before(at, end) {
			break
		}
		if a.isOpen(at) {
			return at, b.closes(at, a.closes(at, never))
		}
	}
	return time.Time{}, time.Time{}
}

// Lint returns which of the windows never open, and what follows for whom they
// match: one sentence each, beginning with the field's path. It says the same at any
// time, until one of them opens at last.
func (ws *Windows) Lint(now time.Time) []string {
	var all []string
	for _, w := range slices.Concat(ws.denies, ws.allows) {
		if w.openFrom(now).IsZero() {
			all = append(all, pathOf(w)+": "+neverOpens(w))
		}
	}
	slices.Sort(all)
	return all
}

func neverOpens(w *window) string {
	consequence := "it denies nothing"
	if w.kind == api.WindowAllow {
		consequence = "what it matches waits for it all the same"
	}
	return fmt.Sprintf("%s never opens; %s", w, consequence)
}
