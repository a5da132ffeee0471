package appset

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/tidelock-io/tidelock/agent/api"
)

// maxParameters bounds the sets of parameters of all generators of an ApplicationSet,
// those that selectors drop and children of a matrix included.
const maxParameters = 100_000

// parameters are those of one generator that its selector keeps.
func (g *generation) parameters(ctx context.Context, entry *api.Generator, kind, field string) ([]Params, error) {
	at := field + "." + kind
	all, err := g.find(ctx, entry, kind, at)
	if err != nil {
		return nil, in(at, err)
	}
	if g.found += len(all); g.found > maxParameters {
		return nil, in(at, failf(ErrLimit, "there are more than %d sets of parameters", maxParameters))
	}
	if err := context.Cause(ctx); err != nil {
		return nil, in(at, failf(ErrLimit, "it takes too long: %w", err))
	}
	kept, err := keep(entry.Selector, all)
	switch {
	case err != nil:
		return nil, in(field+".selector", err)
	case len(all) > 0 && len(kept) == 0:
		g.problem(ProblemDropped, field+".selector", fmt.Sprintf("it drops all %d that the %s generator finds", len(all), kind), hintOf(entry.Selector, all))
	}
	return kept, nil
}

// find asks the generator.
func (g *generation) find(ctx context.Context, entry *api.Generator, kind, field string) ([]Params, error) {
	switch kind {
	case "list":
		return g.list(entry.List, field)
	case "clusters":
		return g.clusters(ctx, entry.Clusters, field)
	case "git":
		return g.git(ctx, entry.Git, field)
	case "matrix":
		return g.matrix(ctx, entry.Matrix, field)
	case "merge":
		return g.merge(ctx, entry.Merge, field)
	case "pullRequest":
		return g.pullRequests(ctx, entry.PullRequest, field)
	case "scmProvider":
		return g.repositories(ctx, entry.SCMProvider, field)
	case "plugin":
		return g.plugin(ctx, entry.Plugin, field)
	}
	return nil, failf(ErrUnavailable, "generators of kind %s are not supported", kind)
}

// addValues adds the parameters that a generator's values state. They see the
// generator's own parameters, and not one another.
func (g *generation) addValues(ctx context.Context, params Params, values map[string]string, field string) error {
	rendered := make(map[string]string, len(values))
	for _, key := range slices.Sorted(maps.Keys(values)) {
		text, err := g.engine.text(ctx, values[key], params, field+".values."+key)
		if err != nil {
			return err
		}
		rendered[key] = text
	}
	g.takeNotes(summary(params))
	switch {
	case len(values) == 0:
	case g.spec.GoTemplate:
		params["values"] = rendered
	default:
		for key, text := range rendered {
			params["values."+key] = text
		}
	}
	return nil
}

// empty notes that a generator finds nothing.
func (g *generation) empty(n int, field, message, hint string) {
	if n == 0 {
		g.problem(ProblemEmpty, field, message, hint)
	}
}
