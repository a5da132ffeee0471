package appset

import (
	"errors"
	"fmt"
	"strings"
)

// Kinds of errors.
var (
	// ErrTemplate is in errors of templates: parse, execution, or what they gave.
	ErrTemplate = errors.New("template")
	// ErrGenerator is in errors of generators that cannot be read.
	ErrGenerator = errors.New("generator")
	// ErrUnavailable is in errors about what nobody here can answer.
	ErrUnavailable = errors.New("not available")
	// ErrLimit is in errors about what is too large, or takes too long.
	ErrLimit = errors.New("over the limit")
)

// An Error says why an ApplicationSet generates nothing.
type Error struct {
	// Set is its namespace and name.
	Set string
	// Generator is the index in spec.generators, -1 if it is none's fault.
	Generator int
	// Parameters says which set of parameters, "" if it is not about one.
	Parameters string
	// Field is the path of the field, as in spec.template.metadata.name. Line is the
	// one within the field's text, from 1, 0 if it is not known.
	Field string
	Line  int
	Err   error
	Hint  string
}

// Error prints as "ApplicationSet argocd/apps: generator 0: parameters 2 (path apps/api):
// spec.template.metadata.name: ...".
func (e *Error) Error() string {
	parts := []string{"ApplicationSet " + e.Set}
	if e.Generator >= 0 {
		parts = append(parts, fmt.Sprintf("generator %d", e.Generator))
	}
	return strings.Join(append(parts, e.Text()), ": ")
}

// Text is the error without the names of the set and the generator.
func (e *Error) Text() string {
	var parts []string
	if e.Parameters != "" {
		parts = append(parts, "parameters "+e.Parameters)
	}
	if e.Field != "" {
		parts = append(parts, e.Field)
	}
	text := strings.Join(append(parts, e.Message()), ": ")
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	return text
}

// Message is what is wrong, without where.
func (e *Error) Message() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// kinded is an error of a kind, which its text does not repeat.
type kinded struct {
	error
	kind error
}

func (k kinded) Unwrap() []error { return []error{k.error, k.kind} }

func failf(kind error, format string, args ...any) error {
	return kinded{fmt.Errorf(format, args...), kind}
}

// in puts an error at a field, if it is not at one already.
func in(field string, err error) error {
	var at *Error
	if err == nil || errors.As(err, &at) {
		return err
	}
	return &Error{Generator: -1, Field: field, Err: err}
}
