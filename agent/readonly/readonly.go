// Package readonly keeps clients of API servers from writing, whatever the code above
// them means to do: it stands where requests leave the process.
//
// Start with [Config].
package readonly

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// A Guard says what is let through.
type Guard struct {
	// DryRuns lets those writes through that say that they are none. A server keeps to
	// that; one of its own, behind an APIService, keeps to it if it is made as the API
	// server itself is.
	DryRuns bool
	// Refused, if not nil, is told of what is not let through: as "PATCH /api/v1/...",
	// without what it would have written.
	Refused func(request string)
}

// Config returns a copy of cfg whose clients, and the clients of its copies, read:
// get, list, watch, discovery, and what asks the server about one's own rights. All
// else is answered with 403 here, and never leaves the process.
func Config(cfg *rest.Config, g Guard) *rest.Config {
	cfg = rest.CopyConfig(cfg)
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return guarded{next, g} })
	return cfg
}

type guarded struct {
	next http.RoundTripper
	Guard
}

// RoundTrip makes it an http.RoundTripper.
func (g guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	if g.lets(r) {
		return g.next.RoundTrip(r)
	}
	if r.Body != nil {
		_ = r.Body.Close() // the contract of http.RoundTripper
	}
	if g.Refused != nil {
		g.Refused(r.Method + " " + r.URL.Path)
	}
	return refusal(r)
}

// lets says whether a request reads.
func (g guarded) lets(r *http.Request) bool {
	at := parse(r.URL.Path)
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return r.Header.Get("Upgrade") == "" && !at.connects()
	case http.MethodPost:
		return at.reviews()
	case http.MethodPatch, http.MethodPut:
		return g.DryRuns && isDry(r.URL.Query())
	}
	return false // the body of a DELETE could take a dry run back
}

// isDry says that a request says that it is a dry run, and nothing else.
func isDry(query url.Values) bool { return slices.Equal(query["dryRun"], []string{metav1.DryRunAll}) }

// A place is what a path of the API names.
type place struct{ group, resource, subresource string }

// parse reads a path such as /apis/apps/v1/namespaces/shop/deployments/web/scale.
func parse(path string) (at place) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case len(parts) > 2 && parts[0] == "api":
		parts = parts[2:]
	case len(parts) > 3 && parts[0] == "apis":
		at.group, parts = parts[1], parts[3:]
	default:
		return place{}
	}
	// The objects of a namespace, and not the namespace: a third part of its own path is
	// a subresource, which reads as a resource without a name here.
	if parts[0] == "namespaces" && len(parts) > 2 {
		parts = parts[2:]
	}
	at.resource = parts[0]
	if len(parts) > 2 {
		at.subresource = parts[2]
	}
	return at
}

// connects says that a GET would do something in a container, or somewhere else, in
// the API server's name.
func (p place) connects() bool {
	return p.group == "" && (slices.Contains([]string{"exec", "attach", "portforward", "proxy"}, p.subresource) || p.resource == "proxy")
}

// reviews says that a POST asks about oneself, and makes nothing.
func (p place) reviews() bool {
	switch p.group {
	case "authorization.k8s.io":
		return p.resource == "selfsubjectaccessreviews" || p.resource == "selfsubjectrulesreviews"
	case "authentication.k8s.io":
		return p.resource == "selfsubjectreviews"
	}
	return false
}

// refusal is the answer in the server's place.
func refusal(r *http.Request) (*http.Response, error) {
	body, err := json.Marshal(metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"},
		Status:   metav1.StatusFailure, Reason: metav1.StatusReasonForbidden, Code: http.StatusForbidden,
		Message: fmt.Sprintf("nothing is written here: %s %s was not sent", r.Method, r.URL.Path),
	})
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Status: "403 Forbidden", StatusCode: http.StatusForbidden, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {"application/json"}},
		ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)), Request: r,
	}, nil
}
