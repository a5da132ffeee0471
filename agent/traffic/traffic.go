// Package traffic tells of every request to an API server: what was asked, for
// which Application, and what came of it.
//
// Start with [For], by which a pass says whose its requests are, and [Told], which
// looks on at a client's transport.
package traffic

import (
	"context"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// A Request is one that has ended.
type Request struct {
	App    types.NamespacedName // zero if it was for no Application
	Server string               // what Applications call the cluster
	Host   string
	Method string
	// Verb is Get, List, Watch, Create, Update, Patch or Delete; Unknown of what is no
	// resource.
	Verb string
	// Resource is the plural name, as in URLs.
	Resource, Namespace string
	DryRun              bool
	Code                int // of the answer; 0 if none came
	Took                time.Duration
}

type key struct{}

// For marks what is asked with a context as asked for an Application.
func For(ctx context.Context, app types.NamespacedName) context.Context {
	return context.WithValue(ctx, key{}, app)
}

// Told makes the transport of a client of a cluster tell of its requests. One that the
// agent itself gave up is not told of: it says nothing of the server.
func Told(server string, tell func(Request)) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			begun := time.Now()
			response, err := next.RoundTrip(r)
			if err != nil && r.Context().Err() != nil {
				return response, err
			}
			request := parse(r)
			request.Server, request.Took = server, time.Since(begun)
			if err == nil {
				request.Code = response.StatusCode
			}
			tell(request)
			return response, err
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
