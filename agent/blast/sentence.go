package blast

import (
	"fmt"
	"strings"
)

// String is what happens in a line: "2 Applications: 1 object created, 1 workload restarts".
func (t Totals) String() string {
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{t.Created, "created"}, {t.Changed, "changed"}, {t.Deleted, "deleted"}, {t.Renamed, "renamed"}, {t.Moved, "moved"}, {t.Left, "left"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	text := count(t.Applications, "Application")
	if len(parts) > 0 {
		text += "; objects: " + strings.Join(parts, ", ")
	}
	if t.Restarts > 0 {
		text += "; " + count(t.Restarts, "workload") + map[bool]string{true: " restarts", false: " restart"}[t.Restarts == 1]
	}
	if t.Failed > 0 {
		text += fmt.Sprintf("; %d cannot be told", t.Failed)
	}
	return text
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// Dangers are the changes of all Applications by which something is lost that cannot
// be applied again, each a sentence.
func (r *Radius) Dangers() (list []string) {
	for _, a := range r.Applications {
		for _, c := range a.Changes {
			if c.Danger != "" {
				list = append(list, a.Name+": "+c.String())
			}
		}
	}
	return list
}

// Standing says what became of an Application itself, and who syncs it.
func (a *Application) Standing() string {
	switch {
	case a.Status == StatusGone:
		return "the Application is gone"
	case a.Automated:
		return a.Status + ", synced by the agent"
	}
	return a.Status + ", synced by hand"
}

// Order is the waves in a line: "PreSync 0 (1), Sync 0 (3)".
func (a *Application) Order() string {
	var parts []string
	for _, w := range a.Waves {
		parts = append(parts, w.String())
	}
	return strings.Join(parts, ", then ")
}

// maxSteps bounds the steps of a wave that are named.
const maxSteps = 5

// String names the wave and its first steps.
func (w Wave) String() string {
	shown := w.Steps[:min(len(w.Steps), maxSteps)]
	return fmt.Sprintf("%s %d (%s%s)", w.Phase, w.Number, strings.Join(shown, ", "), more(len(w.Steps)-len(shown)))
}
