package shard

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"k8s.io/apimachinery/pkg/types"
)

// ErrOthers says that work was on what is another replica's by now.
var ErrOthers = errors.New("another replica works on it by now")

// Fence makes the transport of a client refuse writes of work on what owns does not say
// yes to: it is asked the moment before a request leaves the process. A process that was
// stopped for longer than its term wakes in the middle of work, and nobody can tell it
// to end it before it goes on. Who is refused is told so. What is not of any work is let
// through.
func Fence(owns func(types.NamespacedName) bool) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper { return fence{next, owns} }
}

type fence struct {
	next http.RoundTripper
	owns func(types.NamespacedName) bool
}

// RoundTrip makes it an http.RoundTripper.
func (f fence) RoundTrip(r *http.Request) (*http.Response, error) {
	w, working := r.Context().Value(workKey{}).(*work)
	if !working || r.Method == http.MethodGet || r.Method == http.MethodHead || f.owns(w.on) {
		return f.next.RoundTrip(r)
	}
	w.cancel()
	if r.Body != nil {
		_ = r.Body.Close() // the contract of http.RoundTripper
	}
	return nil, fmt.Errorf("%s: %w: %w", w.on, ErrOthers, context.Canceled)
}
