package kube

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// A call is a request, understood.
type call struct {
	by         string // User-Agent
	manager    string // of fields
	verb       string
	discovery  bool
	group      string
	apiVersion string
	resource   string
	namespace  string
	name       string
	status     bool // the subresource
	kind       *Kind
	query      url.Values
	format     string // Content-Type
	raw        []byte
	body       map[string]any
	dryRun     bool
	force      bool
}

func (c call) id() id { return id{c.kind.Group, c.kind.Resource, c.namespace, c.name} }

func groupResource(c call) schema.GroupResource {
	return schema.GroupResource{Group: c.group, Resource: c.resource}
}

// parse reads a request.
func (s *Server) parse(r *http.Request) (call, error) {
	c := call{by: r.UserAgent(), query: r.URL.Query(), format: r.Header.Get("Content-Type")}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case len(parts) >= 3 && parts[0] == "api":
		c.apiVersion, parts = parts[1], parts[2:]
	case len(parts) >= 4 && parts[0] == "apis":
		c.group, c.apiVersion, parts = parts[1], parts[2], parts[3:]
	default:
		c.discovery = true
		return c, nil
	}
	if parts[0] == "namespaces" && len(parts) > 2 {
		c.namespace, parts = parts[1], parts[2:]
	}
	c.resource = parts[0]
	if len(parts) > 1 {
		c.name = parts[1]
	}
	c.status = len(parts) > 2 && parts[2] == "status"
	c.dryRun = c.query.Get("dryRun") == metav1.DryRunAll
	c.force = c.query.Get("force") == "true"
	c.manager = c.query.Get("fieldManager")
	if c.manager == "" {
		c.manager, _, _ = strings.Cut(c.by, "/")
	}
	c.verb = verbs[r.Method]
	if r.Method == http.MethodGet && c.name == "" {
		c.verb = "list"
		if c.query.Get("watch") != "" && c.query.Get("watch") != "false" && c.query.Get("watch") != "0" {
			c.verb = "watch"
		}
	}
	return c, c.read(r)
}

var verbs = map[string]string{
	http.MethodGet: "get", http.MethodPost: "create", http.MethodPut: "update", http.MethodPatch: "patch", http.MethodDelete: "delete",
}

func (c *call) read(r *http.Request) error {
	if r.Body == nil {
		return nil
	}
	var err error
	if c.raw, err = io.ReadAll(r.Body); err != nil {
		return apierrors.NewBadRequest(err.Error())
	}
	_ = r.Body.Close()
	if c.verb != "create" && c.verb != "update" {
		return nil
	}
	if err := utiljson.Unmarshal(c.raw, &c.body); err != nil {
		return apierrors.NewBadRequest(err.Error())
	}
	if c.verb == "create" {
		c.name = textAt(c.body, "metadata", "name")
	}
	return nil
}

// respond makes a response.
func respond(r *http.Request, code int, body []byte) *http.Response {
	return &http.Response{
		Status: fmt.Sprintf("%d %s", code, http.StatusText(code)), StatusCode: code, Request: r,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {"application/json"}},
		ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)),
	}
}

// answered responds with an object, or with an error.
func answered(r *http.Request, c call, code int, o *Object, err error) (*http.Response, error) {
	if err != nil {
		return nil, err
	}
	if o == nil { // a deletion that has taken all of it
		return respond(r, code, []byte(`{"kind":"Status","apiVersion":"v1","status":"Success"}`)), nil
	}
	return respond(r, code, c.shown(r, o)), nil
}

// failure responds with a Status.
func failure(r *http.Request, err error) *http.Response {
	status, ok := err.(apierrors.APIStatus)
	if !ok {
		status = apierrors.NewInternalError(err)
	}
	s := status.Status()
	s.Kind, s.APIVersion = "Status", "v1"
	raw, err := utiljson.Marshal(s)
	if err != nil {
		raw = []byte(err.Error())
	}
	response := respond(r, int(s.Code), raw)
	if s.Details != nil && s.Details.RetryAfterSeconds > 0 {
		response.Header.Set("Retry-After", fmt.Sprint(s.Details.RetryAfterSeconds))
	}
	return response
}

// Failure is the response of a server that fails in the way of an error.
func Failure(r *http.Request, err error) *http.Response { return failure(r, err) }
