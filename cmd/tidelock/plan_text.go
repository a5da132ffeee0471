package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/plan"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// A planText prints a plan for people.
type planText struct {
	*screen
	look *look
	now  time.Time
}

// parts of what is done, by which it is coloured.
var partOf = map[action]string{
	actCreate: "good", actUpdate: "busy", actDrift: "busy", actPrune: "bad", actRefused: "bad", "run": "mark",
}

func (t *planText) print() {
	l := t.look
	t.line("%s", t.paint("head", fmt.Sprintf("%s/%s to %s", l.app.Namespace, l.app.Name, l.revision())))
	if l.Plan.Done() && len(l.Plan.Skipped) == 0 && l.refusal() == nil {
		t.line("nothing to do")
	}
	if l.Namespace != "" {
		t.line("\n%s", t.paint("head", "First"))
		t.step(actCreate, manifest.Key{Kind: "Namespace", Name: l.Namespace}, "sync option CreateNamespace")
	}
	for _, w := range l.Plan.Waves {
		if !w.Done() {
			t.wave(w)
		}
	}
	t.kept()
	t.refused()
	t.held()
	t.unapproved()
}

func (t *planText) wave(w plan.Wave) {
	t.line("\n%s", t.paint("head", fmt.Sprintf("%s, wave %d", w.Phase, w.Number)))
	for _, c := range w.Prunes {
		t.step(actPrune, c.Key, "")
	}
	for _, c := range w.Unconfirmed {
		t.step(actPrune, c.Key, "waits for consent (annotation argocd.argoproj.io/deletion-approved)")
	}
	for _, c := range w.Pending() {
		if slices.ContainsFunc(w.Runs, func(r plan.Run) bool { return r.Object == c.Desired }) {
			t.step("run", c.Key, runText(w, c))
			continue
		}
		d := t.difference(c.Key)
		t.step(d.Action, c.Key, stepText(d))
	}
}

func (t *planText) step(what action, key manifest.Key, about string) {
	text := fmt.Sprintf("  %s  %s", t.paint(partOf[what], fmt.Sprintf("%-7s", what)), key)
	if about != "" {
		text += t.paint("aside", "  "+about)
	}
	t.line("%s", text)
}

// difference is what is known of an object besides its step.
func (t *planText) difference(key manifest.Key) shownDifference {
	for _, d := range t.look.differences {
		if d.Key == key {
			return t.look.show(d)
		}
	}
	return shownDifference{objectName: nameOf(key), Action: actUpdate}
}

func runText(w plan.Wave, c diff.Change) string {
	for _, r := range w.Runs {
		if r.Object == c.Desired && r.Leftover() != nil {
			return fmt.Sprintf("%s hook, after that of an earlier sync is deleted", r.Type)
		}
	}
	return fmt.Sprintf("%s hook", w.Phase)
}

// fieldsNamed bounds how many fields a step names.
const fieldsNamed = 4

// stepText says in which fields an object is changed, and by whom they were.
func stepText(d shownDifference) string {
	var names []string
	changed := d.changed()
	for _, f := range changed[:min(len(changed), fieldsNamed)] {
		name := f.Path
		if d.Action == actDrift && f.Owner.Manager != "" && f.Owner.Manager != diff.Manager {
			name += " (set by " + shownName(f.Owner.Manager) + ")"
		}
		names = append(names, name)
	}
	if more := len(changed) - fieldsNamed; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	text := strings.Join(names, ", ")
	switch {
	case d.Reason != "":
		text = d.Reason
	case d.Error != "":
		text = "the fields are not known: " + d.Error
	case d.Adopted:
		text = "taken over, for it is no Application's: " + text
	}
	if d.Restarts != "" {
		text = d.Restarts + "; " + text
	}
	return oneLine(strings.TrimSuffix(text, ": "))
}

// kept lists what is no longer in Git, and stays.
func (t *planText) kept() {
	var rows []plan.Skip
	for _, s := range t.look.Plan.Skipped {
		if t.look.Plan.Guard == "" || !strings.HasPrefix(s.Reason, "held: ") {
			rows = append(rows, s)
		}
	}
	if len(rows) == 0 {
		return
	}
	t.line("\n%s", t.paint("head", "No longer in Git, and kept"))
	for _, s := range rows {
		reason := s.Reason
		if reason == "ignored (requires pruning)" {
			reason = "give --prune to delete it"
		}
		t.step(actKeep, s.Change.Key, reason)
	}
}

// refused lists what the project, and the API server, do not let be.
func (t *planText) refused() {
	if t.look.refusal() == nil {
		return
	}
	t.line("\n%s", t.paint("head", "Refused, so that nothing would be applied"))
	var texts []string
	for _, reason := range t.look.Refused {
		texts = append(texts, reason)
	}
	slices.Sort(texts)
	for _, r := range t.look.Rejected {
		if !lacksRight(r.Err) {
			texts = append(texts, r.Err.Error())
		}
	}
	for _, text := range slices.Compact(texts) {
		t.line("  %s", t.paint("bad", oneLine(text)))
	}
}

// held says that deletions wait for approval, and how to give it.
func (t *planText) held() {
	p := t.look.Plan
	if p.Guard == "" {
		return
	}
	t.line("\n%s", t.paint("head", "Held deletions"))
	for _, s := range p.Skipped {
		if strings.HasPrefix(s.Reason, "held: ") {
			t.step(actPrune, s.Change.Key, "")
		}
	}
	t.line("  %s", t.paint("bad", p.Guard))
	t.line("  if they are meant: tidelock sync %s --prune --approve %s", t.look.app.Name, p.Hash())
}

// unapproved says that nothing is done before somebody approves, and how.
func (t *planText) unapproved() {
	l := t.look
	if l.Demand == "" || l.Plan.Done() && l.Namespace == "" {
		return
	}
	if l.Unapproved == "" {
		t.line("\n%s demands approval, and plan %s is approved", l.Demand, l.Plan.Hash())
		return
	}
	t.line("\n%s", t.paint("head", "Held until somebody approves"))
	t.line("  %s", t.paint("bad", oneLine(l.Unapproved)))
	if err := l.untold(); err != nil {
		t.line("  the agent may see another plan, of another hash, for your rights do not suffice: %s", oneLine(err.Error()))
		return
	}
	t.line("  if all of this is meant: %s", l.approval())
}

// windows say when the sync may begin.
func (t *planText) windows(syncs shownSyncs) {
	o := &windowsOptions{now: t.now}
	switch {
	case !syncs.Manual.Allowed:
		t.line("\nsync window: %s", o.syncText(syncs.Manual))
	case !syncs.Automated.Allowed:
		t.line("\nsync window, for automated syncs: %s", o.syncText(syncs.Automated))
	}
}
