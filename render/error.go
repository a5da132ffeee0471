package render

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tidelock-io/tidelock/plugins/host"
	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// Kinds of errors, for errors.Is. A plugin that crashed, hung or could not be
// started is of one of package host's kinds. An error without a kind is what
// the plugin had to say of its input.
var (
	// ErrPath: the source's path is no directory of the repository.
	ErrPath = errors.New("no such directory")
	// ErrKind: the source does not say clearly which renderer it is for.
	ErrKind = errors.New("unclear kind of source")
	// ErrUnsupported: the source needs what this version does not have.
	ErrUnsupported = errors.New("not supported")
	// ErrNoKey: a file is encrypted and none of the keys opens it.
	ErrNoKey = sdk.ErrNoKey
	// ErrRemote: a source that a file refers to could not be had.
	ErrRemote = errors.New("cannot fetch")
	// ErrManifest: what was rendered cannot be applied.
	ErrManifest = errors.New("invalid manifest")
)

// An Error says where in an Application's source what went wrong, and what a
// person can do about it.
type Error struct {
	Application string
	// Source is the Request's SourceIndex.
	Source int
	// Where is a file, with its line if known, or a directory of the repository;
	// "" if Err says it.
	Where string
	Kind  error // one of the kinds above, or nil
	Err   error
	Hint  string // what to do next; "" if Err says it
}

// Error prints where, what and the hint on one line. The application's name is
// left to the caller, who mostly has said it.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Message()
	}
	return e.Message() + "; " + e.Hint
}

// Message is Error without the hint.
func (e *Error) Message() string {
	var b strings.Builder
	if e.Source > 0 {
		fmt.Fprintf(&b, "source %d: ", e.Source)
	}
	if e.Where != "" {
		b.WriteString(e.Where + ": ")
	}
	b.WriteString(e.Err.Error())
	return b.String()
}

// Unwrap gives errors.Is both the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Kind == nil {
		return []error{e.Err}
	}
	return []error{e.Kind, e.Err}
}

// lasting says whether rendering the same input again must end in err again, so
// that it may be remembered.
func lasting(err error) bool {
	for _, passing := range []error{ErrNoKey, ErrRemote, errLookup, host.ErrCrashed, host.ErrTimeout, host.ErrUnavailable, host.ErrProtocol, errDecrypt} {
		if errors.Is(err, passing) {
			return false
		}
	}
	return true
}

// errDecrypt: a file could not be decrypted for another reason than its key.
var errDecrypt = errors.New("cannot decrypt")
