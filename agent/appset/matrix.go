package appset

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidelock-io/tidelock/agent/api"
)

// matrix yields each pair of what its two children yield. The second child is looked at
// anew for each set of parameters of the first, which its fields may name.
func (g *generation) matrix(ctx context.Context, m *api.MatrixGenerator, field string) ([]Params, error) {
	first, err := g.child(ctx, m.Generators[0], nil, field+".generators[0]")
	if err != nil {
		return nil, err
	}
	var all []Params
	for _, a := range first {
		g.quiet++
		second, err := g.child(ctx, m.Generators[1], a, field+".generators[1]")
		g.quiet--
		if err != nil {
			return nil, forParameters(err, a)
		}
		for _, b := range second {
			pair, err := g.pair(a, b)
			if err != nil {
				return nil, &Error{Field: field, Err: err, Hint: "give one of them another name, by pathParamPrefix if it is of git"}
			}
			all = append(all, pair)
		}
	}
	if len(first) > 0 {
		g.empty(len(all), field+".generators[1]", "it finds nothing for any of what the first child finds", "")
	}
	return all, nil
}

// pair joins the parameters of both children: those of the first win in Go templates.
func (g *generation) pair(a, b Params) (Params, error) {
	if g.spec.GoTemplate {
		return overlay(b, a), nil
	}
	return combine(a, b)
}

// child returns the parameters of a nested generator.
func (g *generation) child(ctx context.Context, nested api.NestedGenerator, given Params, field string) ([]Params, error) {
	written, err := nested.Decode()
	if err != nil {
		return nil, in(field, failf(ErrGenerator, "%w", err))
	}
	entry := written
	if len(given) > 0 {
		if entry, err = g.interpolate(ctx, nested, given, field); err != nil {
			return nil, err
		}
		entry.Selector = written.Selector
	}
	kind := entry.Kinds()[0]
	if templateOf(&entry, kind) != nil {
		g.problem(ProblemNoEffect, field+"."+kind+".template", "a template has no effect in a child of matrix and merge", "move it to the matrix or merge itself")
	}
	return g.parameters(ctx, &entry, kind, field)
}

// forParameters says for which parameters of the first child the second failed.
func forParameters(err error, of Params) error {
	var at *Error
	if errors.As(err, &at) && at.Parameters == "" {
		at.Parameters = fmt.Sprintf("of the first child%s", summary(of))
	}
	return err
}
