package appset

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"dario.cat/mergo"
	kjson "k8s.io/apimachinery/pkg/util/json"

	"github.com/tidelock-io/tidelock/agent/api"
)

// An appTemplate is the template for one generator.
type appTemplate struct {
	spec *api.ApplicationSetSpec
	// tree is the template as JSON. Field is where it is written in the set; own is
	// what the generator lays over it, which is written at ownField.
	tree     map[string]any
	own      map[string]any
	ownField string
}

// template lays a generator's own over the set's: what it states counts, lists as a
// whole, maps key by key, and what it leaves empty is the set's.
func (g *generation) template(entry *api.Generator, kind, field string) (*appTemplate, error) {
	t := &appTemplate{spec: g.spec, ownField: field + "." + kind + ".template"}
	merged := g.spec.Template.DeepCopy()
	if own := templateOf(entry, kind); own != nil {
		merged = own.DeepCopy()
		if err := mergo.Merge(merged, *g.spec.Template.DeepCopy()); err != nil {
			return nil, in(t.ownField, failf(ErrTemplate, "lay it over spec.template: %w", err))
		}
		tree, err := treeOf(own)
		if err != nil {
			return nil, in(t.ownField, err)
		}
		t.own = tree
	}
	tree, err := treeOf(merged)
	if err != nil {
		return nil, in("spec.template", err)
	}
	t.tree = tree
	return t, nil
}

// templateOf is the template of a generator's own, nil if it has none.
func templateOf(entry *api.Generator, kind string) *api.ApplicationSetTemplate {
	switch kind {
	case "list":
		return entry.List.Template
	case "clusters":
		return entry.Clusters.Template
	case "git":
		return entry.Git.Template
	case "matrix":
		return entry.Matrix.Template
	case "merge":
		return entry.Merge.Template
	case "pullRequest":
		return entry.PullRequest.Template
	case "scmProvider":
		return entry.SCMProvider.Template
	case "plugin":
		return entry.Plugin.Template
	}
	return nil
}

func treeOf(v any) (map[string]any, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, failf(ErrTemplate, "%w", err)
	}
	var tree map[string]any
	if err := kjson.Unmarshal(raw, &tree); err != nil {
		return nil, failf(ErrTemplate, "%w", err)
	}
	return tree, nil
}

// render makes the Application for one set of parameters.
func (t *appTemplate) render(ctx context.Context, e *engine, params Params) (*api.Application, error) {
	fill := func(text, field string) (string, error) { return e.text(ctx, text, params, t.place(field)) }
	filled, err := walk(t.tree, "", fill)
	var clash *clashError
	if errors.As(err, &clash) {
		return nil, in(t.place(clash.field), err)
	}
	if err != nil {
		return nil, err
	}
	app, err := applicationOf(filled)
	if err != nil {
		return nil, in("spec.template", err)
	}
	if len(app.Finalizers) == 0 && !t.preserves() {
		app.Finalizers = []string{api.FinalizerResources}
	}
	if t.spec.TemplatePatch == nil {
		return app, nil
	}
	const field = "spec.templatePatch"
	patch, err := e.text(ctx, *t.spec.TemplatePatch, params, field)
	if err != nil {
		return nil, err
	}
	app, unknown, err := patched(app, patch)
	for _, name := range unknown {
		e.note(ProblemNoEffect, field, "no Application has the field "+name+", which is dropped", "")
	}
	return app, in(field, err)
}

func (t *appTemplate) preserves() bool {
	return t.spec.SyncPolicy != nil && t.spec.SyncPolicy.PreserveResourcesOnDeletion
}

// place is where a field of the template is written: in the generator's own, if that
// states it.
func (t *appTemplate) place(field string) string {
	if _, ok := at(t.own, field); ok {
		return t.ownField + "." + field
	}
	return "spec.template." + field
}

// at returns the value at a path of names, up to the first list.
func at(tree map[string]any, field string) (v any, ok bool) {
	path, _, _ := strings.Cut(field, "[")
	v = tree
	for name := range strings.SplitSeq(path, ".") {
		m, isMap := v.(map[string]any)
		if !isMap {
			return nil, false
		}
		if v, ok = m[name]; !ok {
			return nil, false
		}
	}
	return v, true
}

func applicationOf(tree any) (*api.Application, error) {
	raw, err := json.Marshal(tree)
	if err != nil {
		return nil, failf(ErrTemplate, "%w", err)
	}
	app := &api.Application{}
	if err := kjson.Unmarshal(raw, app); err != nil {
		return nil, failf(ErrTemplate, "what it gives is no Application: %s", yamlText(err))
	}
	app.APIVersion, app.Kind = api.GroupVersion.String(), api.ApplicationKind
	return app, nil
}

// walk copies a tree with all its texts filled in, the keys of its maps too.
func walk(v any, field string, fill func(text, field string) (string, error)) (any, error) {
	switch v := v.(type) {
	case string:
		return fill(v, field)
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			var err error
			if out[i], err = walk(item, fmt.Sprintf("%s[%d]", field, i), fill); err != nil {
				return nil, err
			}
		}
		return out, nil
	case map[string]any:
		return walkMap(v, field, fill)
	}
	return v, nil
}

func walkMap(m map[string]any, field string, fill func(text, field string) (string, error)) (map[string]any, error) {
	out := make(map[string]any, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		below := join(field, key)
		if strings.ContainsAny(key, "./{ ") {
			below = field + "[" + key + "]"
		}
		name, err := fill(key, below)
		if err != nil {
			return nil, err
		}
		if _, twice := out[name]; twice {
			return nil, kinded{&clashError{below, name}, ErrTemplate}
		}
		if out[name], err = walk(m[key], below, fill); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// A clashError says that two keys of a map have become one.
type clashError struct{ field, key string }

func (e *clashError) Error() string { return fmt.Sprintf("two keys become %q", clip(e.key)) }
