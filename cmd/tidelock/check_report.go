package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// States of findings.
const (
	stateOK      = "ok"
	stateWarning = "warning"
	stateWrong   = "wrong"
	// stateUnknown is of what cannot be told, most often for want of rights.
	stateUnknown = "unknown"
)

// A finding is what is to be said of one thing.
type finding struct {
	Area  string `json:"area"`
	State string `json:"state"`
	Text  string `json:"text"`
	// Hint is what to do next.
	Hint string `json:"hint,omitempty"`
}

// An area is a part of what is checked. It is safe for concurrent use.
type area struct {
	name string
	look func(context.Context, *area)

	mu       sync.Mutex // guards findings
	findings []finding
}

func (a *area) add(state, text, hint string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.findings = append(a.findings, finding{a.name, state, oneLine(text), hint})
}

// take adds what was found by itself.
func (a *area) take(other *area) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.findings = append(a.findings, other.findings...)
}

func (a *area) ok(format string, args ...any) { a.add(stateOK, fmt.Sprintf(format, args...), "") }
func (a *area) warn(hint, format string, args ...any) {
	a.add(stateWarning, fmt.Sprintf(format, args...), hint)
}
func (a *area) wrong(hint, format string, args ...any) {
	a.add(stateWrong, fmt.Sprintf(format, args...), hint)
}

// unread says that something could not be read.
func (a *area) unread(what string, err error) {
	hint := ""
	if apierrors.IsForbidden(err) {
		hint = "ask for the right to read it, or have somebody check who has it"
	}
	a.add(stateUnknown, fmt.Sprintf("cannot read %s: %v", what, err), hint)
}

// anyWrong says that something is wrong.
func anyWrong(areas []area) bool {
	for i := range areas {
		for _, f := range areas[i].findings {
			if f.State == stateWrong {
				return true
			}
		}
	}
	return false
}

// printAreas prints all that was found.
func printAreas(out io.Writer, output string, areas []area) error {
	all, count := []finding{}, map[string]int{}
	for i := range areas {
		all = append(all, areas[i].findings...)
	}
	if output != "" {
		return encode(out, output, all)
	}
	var errs []error
	say := func(format string, args ...any) {
		_, err := fmt.Fprintf(out, format, args...)
		errs = append(errs, err)
	}
	last := ""
	for _, f := range all {
		if f.Area != last {
			last = f.Area
			say("%s\n", f.Area)
		}
		count[f.State]++
		say("  %-8s %s\n", f.State, f.Text)
		if f.Hint != "" {
			say("           %s\n", f.Hint)
		}
	}
	say("\n%d wrong, %d warnings, %d unknown, %d ok\n", count[stateWrong], count[stateWarning], count[stateUnknown], count[stateOK])
	return errors.Join(errs...)
}
