package host

import (
	"errors"
	"fmt"
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
