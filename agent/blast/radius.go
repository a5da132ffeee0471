package blast

import (
	"cmp"
	"slices"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/window"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// An End is an Application at one end of a range of commits.
type End struct {
	// App is nil if the Application is not there.
	App *api.Application
	// Set is what it states: each object with its namespace.
	Set manifest.Set
}

// A Pair is an Application at both ends.
type Pair struct {
	Before, After End
	// Windows are those of its project that match it; nil if the project is not known.
	Windows *window.Windows
	// Settings are the fields in which the Application's own manifest differs.
	Settings []Field
	// Failed is why it cannot be compared; nothing else of it is known then.
	Failed string
}

// app is the Application as it is now, or was.
func (p *Pair) app() *api.Application {
	if p.After.App != nil {
		return p.After.App
	}
	return p.Before.App
}

// A Radius is what a range of commits does.
type Radius struct {
	Totals       Totals        `json:"totals"`
	Applications []Application `json:"applications"`
}

// Differs says that there is anything to be told.
func (r *Radius) Differs() bool { return len(r.Applications) > 0 }

// What became of an Application itself.
const (
	StatusNew     = "new"
	StatusGone    = "gone"
	StatusChanged = "changed"
)

// An Application is what happens to one.
type Application struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Status    string `json:"status"`
	// Automated: the agent syncs it by itself. If not, nothing happens before a
	// person syncs it.
	Automated bool `json:"automated"`
	// Held are the reasons for which something of it does not happen now, each a
	// sentence: the guard of deletions, a window, a missing consent.
	Held     []string  `json:"held,omitempty"`
	Settings []Field   `json:"settings,omitempty"`
	Changes  []Change  `json:"changes"`
	Restarts []Restart `json:"restarts,omitempty"`
	Waves    []Wave    `json:"waves,omitempty"`
	// Failed is why nothing of it is known.
	Failed string `json:"failed,omitempty"`
}

// ID is the Application's namespace and name.
func (a *Application) ID() string { return a.Namespace + "/" + a.Name }

// empty says that nothing of it differs.
func (a *Application) empty() bool {
	return a.Status == StatusChanged && len(a.Settings)+len(a.Changes) == 0 && a.Failed == ""
}

// Of compares Applications. Those that do not differ are left out; the others come by
// namespace and name.
func Of(pairs []Pair, now time.Time) *Radius {
	r := &Radius{Applications: []Application{}}
	moves := findMoves(pairs)
	for i := range pairs {
		if a := pairs[i].compare(moves, now); !a.empty() {
			r.Applications = append(r.Applications, a)
		}
	}
	slices.SortFunc(r.Applications, func(a, b Application) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	r.count()
	return r
}

// Only leaves the Applications that keep wants.
func (r *Radius) Only(keep func(namespace, name string) bool) {
	r.Applications = slices.DeleteFunc(r.Applications, func(a Application) bool { return !keep(a.Namespace, a.Name) })
	r.count()
}

func (p *Pair) compare(moves *moves, now time.Time) Application {
	app := p.app()
	a := Application{
		Namespace: app.Namespace, Name: app.Name, Status: StatusChanged, Failed: p.Failed,
		Automated: app.Spec.SyncPolicy.IsAutomated(), Settings: p.Settings, Changes: []Change{},
	}
	switch {
	case p.Before.App == nil:
		a.Status = StatusNew
	case p.After.App == nil:
		a.Status = StatusGone
	}
	if p.Failed != "" {
		return a
	}
	c := newComparison(p, moves)
	a.Changes = c.changes()
	a.Restarts = c.restarts()
	if p.After.App != nil && len(a.Changes) > 0 {
		a.Waves, a.Held = p.order(c)
		if why := Windows(p.Windows, a.Automated, now); why != "" {
			a.Held = append(a.Held, why)
		}
	}
	return a
}

// Windows says why no sync may begin now, and when that changes; "" if one may, or
// if no windows are known.
func Windows(known *window.Windows, automated bool, now time.Time) string {
	if known == nil {
		return ""
	}
	v := known.At(now, !automated)
	if v.Allowed {
		return ""
	}
	until := "which does not change within ten years"
	if !v.Until.IsZero() {
		until = "until " + v.Until.UTC().Format(time.RFC3339)
	}
	return "no sync begins now: " + v.Reason + ", " + until
}
