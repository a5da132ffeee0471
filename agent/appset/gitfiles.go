package appset

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"sigs.k8s.io/yaml"

	"github.com/tidelock-io/tidelock/agent/api"
)

// maxFile bounds a file with parameters.
const maxFile = 1 << 20

// files yields what the files hold that a pattern includes and none excludes.
func (g *generation) files(ctx context.Context, tree fs.FS, r *api.GitGenerator, field string) ([]Params, error) {
	names, err := g.fileNames(tree, r.Files)
	if err != nil {
		return nil, in(field+".files", err)
	}
	g.empty(len(names), field+".files", "no file matches "+included(r.Files), "")
	var all []Params
	for _, name := range names {
		sets, err := g.readFile(tree, name)
		if err != nil {
			return nil, in(field+".files", failf(ErrGenerator, "%s: %w", name, err))
		}
		for _, params := range sets {
			params = g.pathParams(params, r.PathParamPrefix, path.Dir(name), path.Base(name))
			if err := g.addValues(ctx, params, r.Values, field); err != nil {
				return nil, err
			}
			all = append(all, params)
		}
	}
	return all, nil
}

// fileNames are sorted.
func (g *generation) fileNames(tree fs.FS, filters []api.GitPathFilter) ([]string, error) {
	chosen := map[string]bool{}
	for _, exclude := range []bool{false, true} {
		for _, f := range filters {
			if f.Exclude != exclude {
				continue
			}
			names, err := g.filesLike(tree, f.Path)
			if err != nil {
				return nil, err
			}
			for _, name := range names {
				if exclude {
					delete(chosen, name)
				} else {
					chosen[name] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(chosen)), nil
}

// filesLike finds the files that a pattern matches: as git ls-files, or level by level.
func (g *generation) filesLike(tree fs.FS, pattern string) ([]string, error) {
	if !g.options.NewFileGlobbing {
		spec, err := newPathspec(pattern)
		if err != nil {
			return nil, err
		}
		return spec.files(tree)
	}
	names, err := doublestar.Glob(tree, path.Clean(pattern), doublestar.WithFilesOnly(), doublestar.WithFailOnIOErrors())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, failf(ErrGenerator, "%q: %w", pattern, err)
	case len(names) > maxWalked:
		return nil, failf(ErrLimit, "%q matches more than %d files", pattern, maxWalked)
	}
	return names, nil
}

// readFile reads parameters: a map, or a list of maps; of an empty file no more than its
// path.
func (g *generation) readFile(tree fs.FS, name string) ([]Params, error) {
	text, err := fs.ReadFile(tree, name)
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxFile:
		return nil, failf(ErrLimit, "it has %d bytes, more than %d", len(text), maxFile)
	}
	sets, err := decodeSets(text)
	if err != nil || g.spec.GoTemplate {
		return sets, err
	}
	for i, params := range sets {
		sets[i] = texts(flatten(params))
	}
	return sets, nil
}

func decodeSets(text []byte) ([]Params, error) {
	one := Params{}
	err := yaml.Unmarshal(text, &one)
	if err == nil {
		if one == nil {
			one = Params{} // null
		}
		return []Params{one}, deep(one, 0)
	}
	var many []Params
	if yaml.Unmarshal(text, &many) != nil {
		return nil, failf(ErrGenerator, "it is neither a map of parameters nor a list of such maps: %s", yamlText(err))
	}
	for i, params := range many {
		if params == nil {
			many[i] = Params{}
		}
		if err := deep(params, 0); err != nil {
			return nil, err
		}
	}
	return many, nil
}

// maxDepth is how deep parameters may be nested.
const maxDepth = 100

// deep is an error if a value is nested too deeply.
func deep(v any, depth int) error {
	if depth > maxDepth {
		return failf(ErrLimit, "it is nested more than %d levels deep", maxDepth)
	}
	var below []any
	switch v := v.(type) {
	case map[string]any:
		below = slices.Collect(maps.Values(v))
	case []any:
		below = v
	}
	for _, value := range below {
		if err := deep(value, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// yamlText is what a YAML parser says, without the name of its package.
func yamlText(err error) string {
	text := err.Error()
	for _, prefix := range []string{"error converting YAML to JSON: ", "error unmarshaling JSON: while decoding JSON: ", "yaml: ", "json: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return clip(text)
}
