package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/agent/diff"
)

// headings are the sections of the answer.
var headings = map[topic]string{
	topicDeletion: "Deletion", topicAgent: "The agent", topicSync: "Out of sync", topicIdle: "Why nothing is done about it",
	topicBlocked: "What blocks it", topicOperation: "Operation", topicHealth: "Health", topicCondition: "Conditions",
}

// printWhy prints the answer in sentences.
func printWhy(s *screen, report whyReport, now time.Time) {
	s.line("%s", s.paint("head", report.Application)+" is "+stateText(s, report))
	if len(report.Reasons) == 0 {
		s.line("there is nothing to tell")
	}
	last := topic("")
	for _, r := range report.Reasons {
		if r.Topic != last {
			s.line("\n%s", s.paint("head", headings[r.Topic]))
			last = r.Topic
		}
		printReason(s, r, now)
	}
	printIgnored(s, report.Ignored)
	for i, note := range report.Notes {
		if i == 0 {
			s.line("")
		}
		s.line("%s", s.paint("aside", "note: "+note))
	}
}

func stateText(s *screen, report whyReport) string {
	text := s.tint(orDash(string(report.Sync)))
	if report.Revision != "" {
		text += " with " + short(report.Revision)
	}
	text += ", " + s.tint(orDash(string(report.Health)))
	if report.Operation != "" {
		text += "; its last operation is " + s.tint(string(report.Operation))
	}
	return text
}

func printReason(s *screen, r reason, now time.Time) {
	text := r.Text
	if r.Object != nil {
		text = r.Object.key().String() + ": " + text
	}
	s.line("  %s%s", text, timesText(r, now))
	for _, f := range r.Fields {
		s.line("    %s", sentence(f, now))
	}
	if r.Hint != "" {
		s.line("    %s", s.paint("mark", "hint: "+r.Hint))
	}
}

// timesText says since when, and until when, a reason is one.
func timesText(r reason, now time.Time) string {
	var parts []string
	if !r.Since.IsZero() {
		parts = append(parts, fmt.Sprintf("since %s, %s ago", r.Since.UTC().Format(time.RFC3339), age(r.Since, now)))
	}
	switch {
	case r.Until.IsZero():
	case r.Until.After(now):
		parts = append(parts, fmt.Sprintf("until %s, in %s", r.Until.UTC().Format(time.RFC3339), spanText(r.Until.Sub(now))))
	default:
		parts = append(parts, "until any moment now")
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, "; ") + ")"
}

// sentence says how a field differs, and who made it so.
func sentence(f diff.Field, now time.Time) string {
	by := ownerText(f.Owner, now)
	if by != "" {
		by = ": set by " + by
	}
	switch {
	case f.More > 0:
		return f.String()
	case f.Extra:
		return fmt.Sprintf("%s = %s is not Git's, and stays%s", f.Path, f.Live, by)
	case f.Live == "":
		return fmt.Sprintf("%s is not there, and %s in Git", f.Path, f.Desired)
	case f.Desired == "":
		return fmt.Sprintf("%s is %s, and not in Git%s", f.Path, f.Live, by)
	}
	return fmt.Sprintf("%s is %s, and %s in Git%s", f.Path, f.Live, f.Desired, by)
}

func printIgnored(s *screen, all []shownDifference) {
	for i, d := range all {
		if i == 0 {
			s.line("\n%s", s.paint("head", "Ignored differences"))
		}
		s.line("  %s", d.key())
		for _, h := range d.Ignored {
			s.line("    %s: %s", valuesOf(h.Field), h.Rule)
		}
	}
}
