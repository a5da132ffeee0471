package render

import (
	"context"
	"fmt"
	"path"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/plugins/sdk"
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
	p.out.useEnv(nil)
	p.out.usesVersions = true
	p.engine.stats.renders.Add(1)
	return p.engine.plugins.Render(ctx, req.Plugin, &sdk.RenderRequest{
		Application: p.req.Application, Path: path.Clean(req.Path), Tree: p.view, Host: beyond{p, b.source, b.depth + 1},
		Options: req.Options, Namespace: namespace, Env: buildEnv(p.req, b.source),
		KubeVersion: p.req.KubeVersion, APIVersions: p.req.APIVersions,
	})
}
