package render

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/secrets"
)

// maxNested is how deep one renderer may call another.
const maxNested = 4

// A beyond answers a plugin what is not in the tree.
type beyond struct {
	pass   *pass
	source *api.Source
	depth  int
}

var _ sdk.Host = beyond{}

// Mount makes another source readable.
func (b beyond) Mount(ctx context.Context, source sdk.Source) (sdk.Mounted, error) {
	p := b.pass
	m, err := p.view.mounts.add(source, func() (Remote, error) { return p.req.open(ctx, source) })
	if err != nil {
		return sdk.Mounted{}, err
	}
	return sdk.Mounted{Path: m.dir, Revision: m.remote.Revision}, nil
}

// Render has another plugin render a directory of the same view. It takes no
// slot of its own: who called waits for it.
func (b beyond) Render(ctx context.Context, req sdk.NestedRequest) (*sdk.RenderResult, error) {
	if b.depth == maxNested {
		return nil, &Error{Where: req.Path, Err: fmt.Errorf("renderers call each other more than %d deep", maxNested)}
	}
	p := b.pass
	namespace := req.Namespace
	if namespace == "" {
		namespace = p.req.Namespace
	}
	p.out.usesEnv, p.out.usesVersions = true, true
	p.engine.stats.renders.Add(1)
	return p.engine.plugins.Render(ctx, req.Plugin, &sdk.RenderRequest{
		Application: p.req.Application, Path: path.Clean(req.Path), Tree: p.view, Host: beyond{p, b.source, b.depth + 1},
		Options: req.Options, Namespace: namespace, Env: buildEnv(p.req, b.source),
		KubeVersion: p.req.KubeVersion, APIVersions: p.req.APIVersions,
	})
}

// Lookup reads an object of the destination.
func (b beyond) Lookup(ctx context.Context, o sdk.Object) (json.RawMessage, error) {
	p := b.pass
	if p.req.Lookup == nil {
		return nil, &Error{
			Kind: ErrUnsupported, Err: fmt.Errorf("%s: it looks into the cluster, which is not allowed here", o),
			Hint: "state the value in Git, or allow the kind by the annotation " + api.AnnotationLookup,
		}
	}
	data, err := p.req.Lookup(ctx, o)
	if err != nil {
		return nil, &Error{Kind: errLookup, Err: fmt.Errorf("look up %s: %w", o, err)}
	}
	p.out.result.Lookups = append(p.out.result.Lookups, Lookup{o, markOf(data)})
	return data, nil
}

// errLookup: an object of the destination could not be read.
var errLookup = errors.New("cannot look up")

// lookupsHold says whether the objects that a render read are as they were.
func lookupsHold(ctx context.Context, req *Request, kept *Result) bool {
	for _, l := range kept.Lookups {
		if req.Lookup == nil {
			return false
		}
		data, err := req.Lookup(ctx, l.Object)
		if err != nil || markOf(data) != l.Mark {
			return false
		}
	}
	return true
}

// markOf tells one object from another without giving anything of it away.
func markOf(data []byte) string { return secrets.New(data).Mark() }
