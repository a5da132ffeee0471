package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/window"
)

// A shownProject is a project's windows for programs.
type shownProject struct {
	Project  string        `json:"project"`
	Windows  []shownWindow `json:"windows"`
	Warnings []string      `json:"warnings,omitempty"`
	// Application, with --app, and whether it may sync.
	Application string     `json:"application,omitempty"`
	Automated   *shownSync `json:"automated,omitempty"`
	Manual      *shownSync `json:"manual,omitempty"`
}

type shownWindow struct {
	Index int `json:"index"`
	api.SyncWindow
	Open bool `json:"open"`
	// Until is when that changes; absent if it never does.
	Until time.Time `json:"until,omitzero"`
}

// A shownSync says whether a sync may begin.
type shownSync struct {
	Allowed bool      `json:"allowed"`
	Reason  string    `json:"reason"`
	Until   time.Time `json:"until,omitzero"`
}

func syncOf(v window.Verdict) *shownSync { return &shownSync{v.Allowed, v.Reason, v.Until} }

// matching are the windows that are asked for.
func (o *windowsOptions) matching(p *projectWindows) *window.Windows {
	if o.app != "" {
		return p.schedule.For(window.TargetOf(p.apps[0]))
	}
	return p.schedule.All()
}

func (o *windowsOptions) shown(p *projectWindows) shownProject {
	out := shownProject{Project: p.project.Name, Windows: []shownWindow{}, Warnings: o.warnings(p)}
	windows := o.matching(p)
	for _, s := range windows.States(o.now) {
		out.Windows = append(out.Windows, shownWindow{s.Index, p.project.Spec.SyncWindows[s.Index], s.Open, s.Until})
	}
	if o.app != "" {
		out.Application = p.apps[0].Name
		out.Automated, out.Manual = syncOf(windows.At(o.now, false)), syncOf(windows.At(o.now, true))
	}
	return out
}

// show prints which windows there are, and how they are.
func (o *windowsOptions) show(out io.Writer, all []*projectWindows) error {
	shown := make([]shownProject, len(all))
	for i, p := range all {
		shown[i] = o.shown(p)
	}
	if o.output == "json" || o.output == "yaml" {
		return encode(out, o.output, shown)
	}
	s := newScreen(out)
	rows := [][]string{{"PROJECT", "KIND", "SCHEDULE", "ZONE", "LASTS", "STATE", "UNTIL", "MATCHES"}}
	if o.output == "wide" {
		rows[0] = append(rows[0], "INDEX", "DESCRIPTION")
	}
	for _, p := range shown {
		for _, w := range p.Windows {
			rows = append(rows, o.windowRow(p.Project, w))
		}
	}
	if len(rows) == 1 {
		s.line("there are no sync windows%s", o.ofWhat())
	} else {
		s.table(rows)
	}
	for _, p := range shown {
		if p.Application != "" {
			s.line("\nautomated syncs of %s are %s\nsyncs that people ask for are %s", p.Application, o.syncText(p.Automated), o.syncText(p.Manual))
		}
	}
	return nil
}

func (o *windowsOptions) ofWhat() string {
	if o.app != "" {
		return " that match " + o.app
	}
	return ""
}

func (o *windowsOptions) windowRow(project string, w shownWindow) []string {
	state := "closed"
	if w.Open {
		state = "open"
	}
	zone := w.TimeZone
	if zone == "" {
		zone = "UTC"
	}
	row := []string{
		project, string(w.Kind), w.Schedule, zone, w.Duration, state, o.until(w.Until), matchesText(w.SyncWindow),
	}
	if o.output == "wide" {
		row = append(row, fmt.Sprint(w.Index), orDash(oneLine(w.Description)))
	}
	return row
}

// until is when something changes, and in how long.
func (o *windowsOptions) until(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return fmt.Sprintf("%s (in %s)", o.clock(t), spanText(t.Sub(o.now)))
}

// clock is an instant as people read it, in the zone that is asked for, else as
// it comes.
func (o *windowsOptions) clock(t time.Time) string {
	if o.place != nil {
		t = t.In(o.place)
	}
	return clockText(t)
}

func clockText(t time.Time) string {
	layout := "Mon 2006-01-02 15:04 MST"
	if t.Second() != 0 {
		layout = "Mon 2006-01-02 15:04:05 MST"
	}
	return t.Format(layout)
}

func (o *windowsOptions) syncText(v *shownSync) string {
	text := "denied"
	if v.Allowed {
		text = "allowed"
	}
	if !v.Until.IsZero() {
		text += " until " + o.until(v.Until)
	}
	return text + ": " + v.Reason
}

// matchesText is what a window says of the Applications that it is for.
func matchesText(w api.SyncWindow) string {
	var parts []string
	for _, list := range []struct {
		name  string
		globs []string
	}{{"applications", w.Applications}, {"namespaces", w.Namespaces}, {"clusters", w.Clusters}} {
		if len(list.globs) > 0 {
			parts = append(parts, list.name+" "+strings.Join(list.globs, ","))
		}
	}
	link := " or "
	if w.UseAndOperator {
		link = " and "
	}
	text := orDash(strings.Join(parts, link))
	if w.ManualSync {
		text += ", manualSync"
	}
	if w.SyncOverrun {
		text += ", syncOverrun"
	}
	return oneLine(text)
}
