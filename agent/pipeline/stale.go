package pipeline

import (
	"context"
	"errors"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render"
)

// Stale returns what an Application reads here that reads otherwise in the
// commits of another pipeline. Failed is why it cannot be rendered here; what it
// read until then counts all the same.
func (p *Pipeline) Stale(ctx context.Context, app *api.Application, there *Pipeline) (stale []render.Stale, failed, err error) {
	name := api.InstanceName(app.Namespace, app.Name, p.Namespace)
	to, err := p.Destination(app)
	if err != nil {
		return nil, nil, err
	}
	before, _, err := p.requests(ctx, app, to, name, nil, p.remotes(app, false))
	if err != nil {
		return nil, nil, err
	}
	after, _, err := there.requests(ctx, app, to, name, nil, there.remotes(app, false))
	if err != nil {
		return nil, nil, err
	}
	for i, req := range before {
		if len(before) > 1 {
			req.SourceIndex = i + 1
		}
		list, broken, err := p.Render.Stale(ctx, req, after[i])
		if err != nil {
			return nil, nil, err
		}
		stale, failed = append(stale, list...), errors.Join(failed, broken)
	}
	return stale, failed, nil
}
