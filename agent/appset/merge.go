package appset

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/tidelock-io/tidelock/agent/api"
)

// merge yields what its first child yields, in its order, with what the others yield
// laid over where all the keys are equal.
func (g *generation) merge(ctx context.Context, m *api.MergeGenerator, field string) ([]Params, error) {
	var base []Params
	var index map[string]int
	for i, nested := range m.Generators {
		at := fmt.Sprintf("%s.generators[%d]", field, i)
		sets, err := g.child(ctx, nested, nil, at)
		if err != nil {
			return nil, err
		}
		keys, err := keysOf(sets, m.MergeKeys)
		if err != nil {
			return nil, in(at, err)
		}
		if i == 0 {
			base, index = sets, keys
			continue
		}
		g.lay(base, index, sets, keys)
		if common(index, keys) == 0 && len(sets) > 0 && !ofClusters(m.Generators[0]) {
			g.problem(ProblemNoEffect, at, fmt.Sprintf("nothing of it has the merge keys %v of what the first child yields", m.MergeKeys), "")
		}
	}
	return base, nil
}

// lay merges each set of parameters into the one with the same keys.
func (g *generation) lay(base []Params, index map[string]int, sets []Params, keys map[string]int) {
	for key, i := range keys {
		at, ok := index[key]
		switch {
		case !ok:
		case g.spec.GoTemplate:
			base[at] = overlay(base[at], sets[i])
		default:
			base[at] = maps.Clone(base[at])
			maps.Copy(base[at], sets[i])
		}
	}
}

// keysOf finds sets of parameters by the values of their keys, which must be unique. A
// key that is missing counts as null.
func keysOf(sets []Params, mergeKeys []string) (map[string]int, error) {
	index := make(map[string]int, len(sets))
	for i, params := range sets {
		values := map[string]any{}
		for _, key := range mergeKeys {
			values[key] = params[key]
		}
		text, err := json.Marshal(values)
		if err != nil {
			return nil, failf(ErrGenerator, "a merge key has a value that cannot be compared: %w", err)
		}
		if _, twice := index[string(text)]; twice {
			return nil, failf(ErrGenerator, "two sets of parameters have the same merge keys: %s", clip(string(text)))
		}
		index[string(text)] = i
	}
	return index, nil
}

func common(a, b map[string]int) int {
	n := 0
	for key := range a {
		if _, ok := b[key]; ok {
			n++
		}
	}
	return n
}

// ofClusters says that a generator yields clusters: those that are known on a laptop
// may not be all.
func ofClusters(nested api.NestedGenerator) bool {
	entry, err := nested.Decode()
	return err != nil || entry.Clusters != nil || entry.Matrix != nil || entry.Merge != nil
}
