package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/agent/diff"
)

// A diffText prints differences in the form of a unified diff: - is live, + is
// what a sync makes of it.
type diffText struct {
	*screen
	look *look
	now  time.Time
}

func newDiffText(s *screen, l *look) *diffText { return &diffText{s, l, time.Now()} }

func (t *diffText) print(all []shownDifference) {
	if !t.look.differs() {
		t.line("%s/%s: no differences from %s", t.look.app.Namespace, t.look.app.Name, t.look.revision())
	}
	for i, d := range all {
		if i == 0 {
			t.line("%s", t.paint("bad", "--- live"))
			t.line("%s", t.paint("good", "+++ "+t.look.revision()))
		}
		if i == 0 || hasBody(d) || hasBody(all[i-1]) {
			t.line("")
		}
		t.object(d)
	}
	for i, rule := range t.look.Ignore.Unused(t.look.Changes) {
		if i == 0 {
			t.line("")
		}
		t.line("%s", t.paint("aside", "unused: spec.ignoreDifferences "+rule))
	}
}

// revision is what is compared with.
func (l *look) revision() string {
	var all []string
	for _, r := range l.Desired.Revisions {
		all = append(all, short(r))
	}
	return "Git " + strings.Join(all, ",")
}

// signs before the objects of which all comes, or goes.
var signs = map[action]string{actCreate: "+ ", actPrune: "- "}

func (t *diffText) object(d shownDifference) {
	t.line("%s", t.paint("head", signs[d.Action]+headingOf(d)))
	for _, f := range d.changed() {
		t.field(f)
	}
	for _, f := range d.Fields {
		if f.Extra {
			t.line("%s", t.paint("aside", "  stays: "+f.Path+" = "+f.Live+t.by(f)))
		}
	}
	for _, h := range d.Ignored {
		t.line("%s", t.paint("aside", "  ignored: "+valuesOf(h.Field)+t.by(h.Field)+", for "+h.Rule))
	}
	if d.Error != "" {
		t.line("  the fields are not known: %s", d.Error)
	}
}

// hasBody says that there is more to print of an object than a line.
func hasBody(d shownDifference) bool { return len(d.Fields)+len(d.Ignored) > 0 || d.Error != "" }

// headingOf names an object and what a sync does with it.
func headingOf(d shownDifference) string {
	text := d.key().String()
	switch d.Action {
	case actNone:
		text += ": as Git states it"
	case actCreate:
		text += ": to be created"
	case actPrune:
		text += ": to be deleted, for it is no longer in Git"
	case actKeep:
		text += ": no longer in Git"
	case actDrift:
		text += ": changed in the cluster"
	case actUpdate:
		text += ": to be changed"
	case actLeave:
		text += ": left alone"
	case actRefused:
		text += ": refused"
	}
	if d.Adopted {
		text += ", and taken over, for it is no Application's"
	}
	if d.Restarts != "" {
		text += ", and " + oneLine(d.Restarts)
	}
	if d.Reason != "" {
		text += ": " + oneLine(d.Reason)
	}
	if d.Origin != "" && d.Action != actRefused {
		text += " (" + d.Origin + ")"
	}
	return text
}

func (t *diffText) field(f diff.Field) {
	if f.More > 0 {
		t.line("%s", t.paint("mark", "@@ "+f.String()+" @@"))
		return
	}
	t.line("%s", t.paint("mark", "@@ "+f.Path+" @@"+t.by(f)))
	for _, line := range linesOf(f) {
		part := "aside"
		switch line[0] {
		case '-':
			part = "bad"
		case '+':
			part = "good"
		}
		t.line("%s", t.paint(part, line))
	}
}

// linesOf shows the two values of a field.
func linesOf(f diff.Field) []string {
	if len(f.Lines) > 0 {
		return f.Lines
	}
	var lines []string
	if f.Live != "" {
		lines = append(lines, "-"+f.Live)
	}
	if f.Desired != "" {
		lines = append(lines, "+"+f.Desired)
	}
	return lines
}

// valuesOf prints a field's values in a line.
func valuesOf(f diff.Field) string {
	f.Owner = diff.Owner{}
	return f.String()
}

// by says who set the live value, and when.
func (t *diffText) by(f diff.Field) string {
	if text := ownerText(f.Owner, t.now); text != "" {
		return " set by " + text
	}
	return ""
}

// ownerText prints as: kubectl-edit, 5m ago (2026-11-24T10:00:00Z).
func ownerText(o diff.Owner, now time.Time) string {
	if o == (diff.Owner{}) {
		return ""
	}
	text := shownName(o.Manager)
	if o.Subresource != "" {
		text += " of " + o.Subresource
	}
	if !o.Time.IsZero() {
		text += fmt.Sprintf(", %s ago (%s)", age(o.Time, now), o.Time.UTC().Format(time.RFC3339))
	}
	return oneLine(text)
}

// shownName keeps what a client calls itself from playing tricks.
func shownName(name string) string {
	quoted := fmt.Sprintf("%+q", name)
	if quoted == `"`+name+`"` && name != "" {
		return name
	}
	return quoted
}
