package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/tidelock-io/tidelock/plugins/sdk/wire"
)

// A Host does for a renderer what its sandbox keeps it from. Each answer counts
// as an input of the render, as files of the tree do. An error of the host fails
// the render, whatever the plugin makes of it.
type Host interface {
	// Mount makes a source readable that is not part of the tree, and says where
	// in the tree it lies from now on.
	Mount(ctx context.Context, source Source) (Mounted, error)
	// Render has another renderer render a directory of the tree, mounts
	// included, for the same Application.
	Render(ctx context.Context, req NestedRequest) (*RenderResult, error)
	// Lookup returns an object of the destination as JSON, or with Name empty a
	// list of all of its kind; nil if there is none. What the Application does not
	// allow to be looked up is an error that is fs.ErrNotExist: a renderer may go on
	// as if nothing were there, and should warn of it.
	Lookup(ctx context.Context, object Object) (json.RawMessage, error)
}

// A Source is a place that manifests, values or charts come from. Either Ref is
// set or URL.
type Source struct {
	// Ref names another source of the same Application ("values" of
	// "$values/production.yaml").
	Ref string `json:"ref,omitempty"`
	// URL is that of a Git repository, of a Helm repository, of a registry
	// ("oci://..."), or of a single file over https.
	URL string `json:"url,omitempty"`
	// Revision is a branch, tag or commit; of a chart a version or a constraint.
	Revision string `json:"revision,omitempty"`
	// Chart is the chart's name, if URL is a Helm repository. A chart in a
	// registry may have it in its URL instead.
	Chart string `json:"chart,omitempty"`
}

// String names the source for a person, without what may be a password.
func (s Source) String() string {
	if s.Ref != "" {
		return "$" + s.Ref
	}
	name := withoutUser(s.URL)
	if s.Chart != "" {
		name += " " + s.Chart
	}
	if s.Revision != "" {
		name += "@" + s.Revision
	}
	return name
}

// withoutUser drops user and password from an address, and its query, where
// tokens are.
func withoutUser(address string) string {
	address, _, _ = strings.Cut(address, "?")
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return address
	}
	host, path, slash := strings.Cut(rest, "/")
	if i := strings.LastIndex(host, "@"); i >= 0 {
		host = host[i+1:]
	}
	if slash {
		path = "/" + path
	}
	return scheme + "://" + host + path
}

// Mounted is where a source lies.
type Mounted struct {
	// Path is a directory of the tree. A single file lies in it under the last
	// part of its URL. A chart's files lie in it directly.
	Path string
	// Revision is the commit, version or digest that was chosen.
	Revision string
}

// A NestedRequest is what one renderer asks of another.
type NestedRequest struct {
	Plugin string
	// Path and Options are as in RenderRequest.
	Path    string
	Options json.RawMessage
	// Namespace is that of the outer request if empty.
	Namespace string
}

// An Object names an object of the destination.
type Object struct {
	APIVersion, Kind, Namespace, Name string
}

// String prints the object as "v1 Secret namespace/name".
func (o Object) String() string {
	name := o.Name
	if name == "" {
		name = "*"
	}
	if o.Namespace != "" {
		name = o.Namespace + "/" + name
	}
	return o.APIVersion + " " + o.Kind + " " + name
}

// ErrNoHost says that the renderer runs where there is no host to ask.
var ErrNoHost = errors.New("there is no host to ask")

// remote is the plugin's side of a Host. It shares the tree's stream.
type remote struct{ tree *tree }

func (r remote) ask(ctx context.Context, ask *wire.Ask) (*wire.Answer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r.tree.mu.Lock()
	defer r.tree.mu.Unlock()
	answers, err := r.tree.exchange([]*wire.Ask{ask})
	if err != nil {
		return nil, err
	}
	return answers[0], Kinds().Error(answers[0].GetFailure())
}

func (r remote) Mount(ctx context.Context, s Source) (Mounted, error) {
	answer, err := r.ask(ctx, &wire.Ask{Operation: wire.Ask_MOUNT, Mount: &wire.Mount{
		Ref: s.Ref, Url: s.URL, Revision: s.Revision, Chart: s.Chart,
	}})
	if err != nil {
		return Mounted{}, err
	}
	return Mounted{Path: answer.GetPath(), Revision: answer.GetRevision()}, nil
}

func (r remote) Render(ctx context.Context, req NestedRequest) (*RenderResult, error) {
	answer, err := r.ask(ctx, &wire.Ask{Operation: wire.Ask_RENDER, Render: &wire.NestedRender{
		Plugin: req.Plugin, Path: req.Path, Options: req.Options, HasOptions: req.Options != nil, Namespace: req.Namespace,
	}})
	if err != nil {
		return nil, err
	}
	result := &RenderResult{Warnings: answer.GetWarnings()}
	for _, d := range answer.GetDocuments() {
		result.Documents = append(result.Documents, Document{Data: d.GetData(), File: d.GetFile(), Line: int(d.GetLine())})
	}
	return result, nil
}

func (r remote) Lookup(ctx context.Context, o Object) (json.RawMessage, error) {
	answer, err := r.ask(ctx, &wire.Ask{Operation: wire.Ask_LOOKUP, Lookup: &wire.Lookup{
		ApiVersion: o.APIVersion, Kind: o.Kind, Namespace: o.Namespace, Name: o.Name,
	}})
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", o, err)
	}
	return answer.GetData(), nil
}

// NoHost refuses everything with ErrNoHost: for tests of a renderer that needs
// none, and for a RenderRequest made by hand.
type NoHost struct{}

// Mount returns ErrNoHost.
func (NoHost) Mount(context.Context, Source) (Mounted, error) { return Mounted{}, ErrNoHost }

// Render returns ErrNoHost.
func (NoHost) Render(context.Context, NestedRequest) (*RenderResult, error) { return nil, ErrNoHost }

// Lookup returns ErrNoHost.
func (NoHost) Lookup(context.Context, Object) (json.RawMessage, error) { return nil, ErrNoHost }
