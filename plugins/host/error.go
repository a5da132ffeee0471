package host

import (
	"errors"
	"fmt"
	"strings"
)

// Kinds of errors, for errors.Is. An error that the plugin itself returned, or
// one of the tree it read, has none of them.
var (
	// ErrCrashed: the plugin died, or its code panicked, in this call.
	ErrCrashed = errors.New("plugin crashed")
	// ErrTimeout: the plugin was killed at its deadline.
	ErrTimeout = errors.New("plugin timed out")
	// ErrTooLarge: the plugin asked for or returned more than is allowed.
	ErrTooLarge = errors.New("plugin over its limit")
	// ErrProtocol: the plugin does not speak the protocol.
	ErrProtocol = errors.New("plugin broke the protocol")
	// ErrUnavailable: there is no such plugin, or it cannot be started.
	ErrUnavailable = errors.New("plugin unavailable")
)

// An Error is a failed call of a plugin.
type Error struct {
	Plugin      string
	Application string // "" if the call was for none
	Call        string // "render", "decrypt", "fetch" or "start"
	Kind        error  // one of the kinds above, or nil
	Err         error  // what happened, and what to do about it
}

// Error prints as "plugin kustomize: render of application shop: killed after
// 1m0s: ...".
func (e *Error) Error() string {
	if e.Application == "" {
		return fmt.Sprintf("plugin %s: %s: %v", e.Plugin, e.Call, e.Err)
	}
	return fmt.Sprintf("plugin %s: %s of application %s: %v", e.Plugin, e.Call, e.Application, e.Err)
}

// Unwrap gives errors.Is both the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Kind == nil {
		return []error{e.Err}
	}
	return []error{e.Kind, e.Err}
}

// failure is a cause with its kind, on its way to becoming an Error.
type failure struct {
	kind error
	err  error
}

func (f *failure) Error() string   { return f.err.Error() }
func (f *failure) Unwrap() []error { return []error{f.kind, f.err} }

func failf(kind error, format string, args ...any) error {
	return &failure{kind, fmt.Errorf(format, args...)}
}

// A LedError is an error of what the host gave to a plugin, and what the plugin
// said of how it came to ask: "app/kustomization.yaml:3: resources".
type LedError struct {
	By  string
	Err error
}

// Error prints how it came to ask before what was wrong.
func (e *LedError) Error() string { return e.By + ": " + e.Err.Error() }

// Unwrap returns the host's error.
func (e *LedError) Unwrap() error { return e.Err }

// led is the host's error, with what the plugin put before it.
func led(e *treeError) error {
	said, ok := kinds.FromStatus(e.said)
	if e.said == nil || !ok {
		return e.err
	}
	failure := kinds.Error(kinds.Failure(e.err)).Error() // as the plugin saw it
	before, _, quoted := strings.Cut(said.Error(), failure)
	if before = strings.TrimSuffix(before, ": "); !quoted || before == "" {
		return e.err
	}
	return &LedError{before, e.err}
}
