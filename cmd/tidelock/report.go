package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tidelock-io/tidelock/render"
)

// failures are independent errors; each is reported on a line of its own.
type failures []error

func (f failures) Error() string   { return errors.Join(f...).Error() }
func (f failures) Unwrap() []error { return f }

// report tells of an error: what, and on a line of its own what to do about it.
func report(talk io.Writer, err error) {
	var several failures
	if errors.As(err, &several) {
		for _, one := range several {
			report(talk, one)
		}
		return
	}
	text, hint := err.Error(), ""
	var located *render.Error
	if errors.As(err, &located) && located.Hint != "" && strings.HasSuffix(text, "; "+located.Hint) {
		text, hint = strings.TrimSuffix(text, "; "+located.Hint), located.Hint
	}
	fmt.Fprintf(talk, "tidelock: %s\n", text)
	if hint != "" {
		fmt.Fprintf(talk, "hint: %s\n", hint)
	}
}
