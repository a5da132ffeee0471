package appset

import (
	"context"
	"encoding/json"
	"maps"

	"github.com/tidelock-io/tidelock/agent/api"
)

// plugin yields what a service answers, and beside it what it was asked, as
// generator.input.parameters.
func (g *generation) plugin(ctx context.Context, p *api.PluginGenerator, field string) ([]Params, error) {
	answer, err := g.from.Plugin(ctx, p)
	if err != nil {
		return nil, err
	}
	input := map[string]any{}
	for key, raw := range p.Input.Parameters {
		var value any
		if err := json.Unmarshal(raw.Raw, &value); err != nil {
			return nil, in(field+".input.parameters."+key, failf(ErrGenerator, "%w", err))
		}
		input[key] = value
	}
	asked := Params{"generator": map[string]any{"input": map[string]any{"parameters": input}}}
	all := make([]Params, 0, len(answer))
	for _, given := range answer {
		if err := deep(given, 0); err != nil {
			return nil, err
		}
		params := clone(given).(Params)
		maps.Copy(params, clone(asked).(Params))
		if !g.spec.GoTemplate {
			params = texts(flatten(params))
		}
		if err := g.addValues(ctx, params, p.Values, field); err != nil {
			return nil, err
		}
		all = append(all, params)
	}
	return all, nil
}
