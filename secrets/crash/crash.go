// Package crash makes errors of panics: of those in code that works on secrets, so
// that one Application's input stops neither the agent nor gets into its log.
//
// Start with [Recover]. What a panic says may be a value of a secret, and so may
// the arguments in a stack. Of both nothing is kept but types, functions and lines.
package crash

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
)

// An Error is a panic that was recovered.
type Error struct {
	// Doing is what was being done: "resolve secrets".
	Doing string
	// Kind is the type of what the panic said.
	Kind string
	// Frames are the functions that were running, the innermost first, with their
	// files and lines.
	Frames []string
}

// Error says what was being done and where it ended. A person can do nothing about
// it but report it.
func (e *Error) Error() string {
	at := ""
	if len(e.Frames) > 0 {
		at = " in " + e.Frames[0]
	}
	return fmt.Sprintf("%s: internal error: panic with a %s%s; this is a bug of tidelock: please report it", e.Doing, e.Kind, at)
}

// Recover turns a panic into an error, when deferred. It leaves err as it is if
// there is none.
func Recover(err *error, doing string) {
	if p := recover(); p != nil {
		*err = &Error{Doing: doing, Kind: kindOf(p), Frames: frames()}
	}
}

// Guard runs f, and returns its panic as an error.
func Guard(doing string, f func() error) (err error) {
	defer Recover(&err, doing)
	return f()
}

func kindOf(p any) string {
	var bug runtime.Error
	if err, ok := p.(error); ok && errors.As(err, &bug) {
		return fmt.Sprintf("%T", bug)
	}
	return fmt.Sprintf("%T", p)
}

// maxFrames bounds what is told of a stack.
const maxFrames = 32

// frames are those that panicked.
func frames() (list []string) {
	pcs := make([]uintptr, 64)
	stack := runtime.CallersFrames(pcs[:runtime.Callers(0, pcs)])
	panicked := false
	for {
		frame, more := stack.Next()
		inRuntime := strings.HasPrefix(frame.Function, "runtime.")
		if panicked && !inRuntime && len(list) < maxFrames {
			list = append(list, fmt.Sprintf("%s (%s:%d)", frame.Function, base(frame.File), frame.Line))
		}
		panicked = panicked || frame.Function == "runtime.gopanic"
		if !more {
			return list
		}
	}
}

func base(file string) string { return file[strings.LastIndexByte(file, '/')+1:] }
