package wire

import (
	"errors"
	"io/fs"
	"strings"
	"unicode"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// ErrLimit says that something was larger than the host allows.
var ErrLimit = errors.New("over the limit")

// ErrPanic says that the plugin's code panicked in this call.
var ErrPanic = errors.New("it crashed")

// maxText bounds what an error may say.
const maxText = 8 << 10

// A Kinds table pairs kinds of failures with the errors they stand for.
type Kinds []struct {
	Kind Failure_Kind
	Err  error
}

// Common are the kinds that this package can name. Package sdk adds its own.
func Common() Kinds {
	return Kinds{
		{Failure_NOT_EXIST, fs.ErrNotExist},
		{Failure_INVALID, fs.ErrInvalid},
		{Failure_LIMIT, ErrLimit},
		{Failure_PANIC, ErrPanic},
	}
}

// Failure turns an error into what goes over the wire, nil into nil.
func (k Kinds) Failure(err error) *Failure {
	if err == nil {
		return nil
	}
	text := err.Error()
	f := &Failure{Text: text[:min(len(text), maxText)]}
	for _, pair := range k {
		if errors.Is(err, pair.Err) {
			f.Kind = pair.Kind
			break
		}
	}
	return f
}

// Status makes the status that ends a call with err.
func (k Kinds) Status(err error) error {
	f := k.Failure(err)
	s, detailErr := status.New(codes.Unknown, f.Text).WithDetails(f)
	if detailErr != nil {
		return status.Error(codes.Unknown, f.Text)
	}
	return s.Err()
}

// Error turns a failure back into an error, nil into nil.
func (k Kinds) Error(f *Failure) error {
	if f == nil {
		return nil
	}
	e := &remoteError{text: printable(f.GetText())}
	for _, pair := range k {
		if f.GetKind() == pair.Kind {
			e.kind = pair.Err
			break
		}
	}
	return e
}

// FromStatus returns what the plugin itself said, and whether it did: a status
// without a Failure comes from the connection.
func (k Kinds) FromStatus(err error) (error, bool) {
	s, ok := status.FromError(err)
	if !ok {
		return err, false
	}
	for _, detail := range s.Details() {
		if f, ok := detail.(*Failure); ok {
			return k.Error(f), true
		}
	}
	return err, false
}

// printable makes one line of a text, without what could move a terminal or
// forge a line of a log.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == '\u2028', r == '\u2029':
			return -1
		}
		return r
	}, text)
}

// remoteError is an error of the other side: its text, and its kind.
type remoteError struct {
	text string
	kind error
}

func (e *remoteError) Error() string { return e.text }
func (e *remoteError) Unwrap() error { return e.kind }
