package appset

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	kjson "k8s.io/apimachinery/pkg/util/json"

	"github.com/tidelock-io/tidelock/agent/api"
)

// interpolate fills the parameters of a matrix' first child into the second, but for
// its template, which has no effect.
func (g *generation) interpolate(ctx context.Context, nested api.NestedGenerator, given Params, field string) (api.Generator, error) {
	var tree map[string]any
	if err := kjson.Unmarshal(nested.Raw, &tree); err != nil {
		return api.Generator{}, in(field, failf(ErrGenerator, "%w", err))
	}
	delete(tree, "selector") // it is over what the child yields
	filled, err := g.fillGenerator(ctx, tree, given, field)
	if err != nil {
		return api.Generator{}, err
	}
	raw, err := json.Marshal(filled)
	if err != nil {
		return api.Generator{}, in(field, failf(ErrGenerator, "%w", err))
	}
	var out api.Generator
	if err := kjson.Unmarshal(raw, &out); err != nil {
		return api.Generator{}, in(field, failf(ErrGenerator, "with the parameters filled in it is no generator: %s", yamlText(err)))
	}
	return out, nil
}

// fillGenerator fills parameters into a generator and, if it has children, into these.
func (g *generation) fillGenerator(ctx context.Context, tree map[string]any, given Params, field string) (map[string]any, error) {
	fill := func(text, field string) (string, error) {
		out, err := g.engine.text(ctx, text, given, field)
		g.engine.noted() // what stays may be filled in by the child's own
		return out, err
	}
	out := map[string]any{}
	for _, kind := range slices.Sorted(maps.Keys(tree)) {
		body, ok := tree[kind].(map[string]any)
		if !ok {
			out[kind] = tree[kind]
			continue
		}
		filled, err := g.fillBody(ctx, body, given, field+"."+kind, fill)
		if err != nil {
			return nil, err
		}
		out[kind] = filled
	}
	return out, nil
}

func (g *generation) fillBody(ctx context.Context, body map[string]any, given Params, field string, fill func(text, field string) (string, error)) (map[string]any, error) {
	out := map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(body)) {
		var err error
		values, isMap := body[key].(map[string]any)
		children, isList := body[key].([]any)
		switch {
		case key == "template":
			out[key] = body[key]
		case key == "values" && isMap:
			out[key], err = g.fillValues(ctx, values, given, field+".values")
		case key == "generators" && isList:
			out[key], err = g.fillChildren(ctx, children, given, field+".generators")
		default:
			out[key], err = walk(body[key], field+"."+key, fill)
		}
		if err != nil {
			return nil, in(field+"."+key, err)
		}
	}
	return out, nil
}

func (g *generation) fillChildren(ctx context.Context, children []any, given Params, field string) ([]any, error) {
	out := make([]any, len(children))
	for i, child := range children {
		tree, ok := child.(map[string]any)
		if !ok {
			out[i] = child
			continue
		}
		var err error
		if out[i], err = g.fillGenerator(ctx, tree, given, field); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// fillValues leaves a value as it is if it names a parameter that is not there yet: it
// may be one of the child's own.
func (g *generation) fillValues(ctx context.Context, values map[string]any, given Params, field string) (map[string]any, error) {
	out := maps.Clone(values)
	for _, key := range slices.Sorted(maps.Keys(values)) {
		text, ok := values[key].(string)
		if !ok {
			continue
		}
		filled, err := g.engine.strict().text(ctx, text, given, field+"."+key)
		switch {
		case errors.Is(err, errMissing):
		case err != nil:
			return nil, err
		default:
			out[key] = filled
		}
	}
	g.engine.noted()
	return out, nil
}
