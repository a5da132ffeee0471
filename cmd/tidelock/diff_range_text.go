package main

import (
	"fmt"

	"github.com/tidelock-io/tidelock/agent/blast"
)

// A radiusText prints what a range of commits does: what is at stake first.
type radiusText struct{ *screen }

func newRadiusText(s *screen) *radiusText { return &radiusText{s} }

func (t *radiusText) print(r *blast.Radius) {
	if !r.Differs() {
		t.line("no object differs")
		return
	}
	t.line("%s", t.paint("head", r.Totals.String()))
	for _, text := range r.Dangers() {
		t.line("%s", t.paint("bad", "! "+oneLine(text)))
	}
	for i := range r.Applications {
		t.line("")
		t.application(&r.Applications[i])
	}
}

func (t *radiusText) application(a *blast.Application) {
	t.line("%s", t.paint("head", a.ID()+": "+a.Standing()))
	if a.Failed != "" {
		t.line("  %s", t.paint("bad", oneLine(a.Failed)))
	}
	for _, text := range a.Held {
		t.line("  %s", t.paint("busy", "held: "+oneLine(text)))
	}
	for _, r := range a.Restarts {
		t.line("  restarts %s", oneLine(r.String()))
	}
	for _, w := range a.Waves {
		t.line("  %s", t.paint("aside", "wave "+oneLine(w.String())))
	}
	for i := range a.Settings {
		if i == 0 {
			t.line("  the Application itself")
		}
		t.field(&a.Settings[i])
	}
	shown := a.Shown()
	for i := range shown {
		t.change(&shown[i])
	}
}

// marks of actions.
var marksOfActions = map[blast.Action][2]string{
	blast.Create: {"+", "good"}, blast.Delete: {"-", "bad"}, blast.Update: {"~", "busy"}, blast.Rename: {">", "busy"}, blast.Generate: {">", "mark"},
	blast.Receive: {"<", "good"}, blast.Give: {">", "aside"}, blast.Leave: {"=", "aside"},
}

func (t *radiusText) change(c *blast.Change) {
	mark := marksOfActions[c.Action]
	text := fmt.Sprintf("  %s %s", mark[0], oneLine(c.String()))
	if c.Origin != "" {
		text += " (" + oneLine(c.Origin) + ")"
	}
	t.line("%s", t.paint(mark[1], text))
	for i := range c.Fields {
		t.field(&c.Fields[i])
	}
}

func (t *radiusText) field(f *blast.Field) {
	t.line("%s", t.paint("mark", "    @@ "+f.Heading()+" @@"))
	for _, line := range f.Diff() {
		part := "aside"
		switch line[0] {
		case '-':
			part = "bad"
		case '+':
			part = "good"
		}
		t.line("%s", t.paint(part, "    "+line))
	}
}
