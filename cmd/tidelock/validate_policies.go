package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"

	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/validate"
	"github.com/tidelock-io/tidelock/render/validate/policy"
	"github.com/tidelock-io/tidelock/secrets/walk"
)

// policies judges objects by the policies of --policies and of the configuration,
// which are for all of them, and by those that the same cluster gets.
func (v *validation) policies(ctx context.Context, loose manifest.Set, custom *validate.Definitions, locators map[string]*validate.Locator) error {
	given, err := v.givenPolicies(ctx)
	if err != nil {
		return err
	}
	compiler, err := policy.For(v.version, custom)
	if err != nil {
		return err
	}
	j := &judgement{v, compiler, locators, given, map[*manifest.Object]*rendering{}, map[string]bool{}}
	for _, o := range given.all() {
		j.of[o] = &rendering{prefix: given.prefix(o)}
	}
	for _, r := range v.rendered {
		if r.result != nil {
			for _, o := range r.result.Set {
				j.of[o] = r
			}
		}
	}
	for _, o := range loose {
		j.of[o] = &rendering{prefix: "."}
	}
	for _, group := range v.byCluster() {
		var sets []manifest.Set
		for _, r := range group {
			sets = append(sets, r.result.Set)
		}
		j.cluster(ctx, sets)
	}
	j.cluster(ctx, []manifest.Set{besides(loose, given)})
	return nil
}

// byCluster are the renderings by the cluster that they go to. Where a directory goes
// is not known: it is apart.
func (v *validation) byCluster() [][]*rendering {
	at := map[string][]*rendering{}
	for i, r := range v.rendered {
		if r.result == nil {
			continue
		}
		id := clusterName(r.app.Spec.Destination)
		if r.name == "" {
			id = fmt.Sprintf("directory %d", i)
		}
		at[id] = append(at[id], r)
	}
	var all [][]*rendering
	for _, id := range slices.Sorted(maps.Keys(at)) {
		all = append(all, at[id])
	}
	return all
}

// A judgement is one run of policies over all clusters.
type judgement struct {
	*validation
	compiler *policy.Compiler
	locators map[string]*validate.Locator
	given    givenPolicies
	of       map[*manifest.Object]*rendering
	noted    map[string]bool
}

func (j *judgement) cluster(ctx context.Context, sets []manifest.Set) {
	all := slices.Concat(append([]manifest.Set{j.given.all()}, sets...)...)
	cluster := j.compiler.Cluster(all)
	if !cluster.Any() {
		return
	}
	for _, note := range cluster.Notes() {
		if !j.noted[note] {
			j.noted[note] = true
			j.notes = append(j.notes, note)
		}
	}
	problems := cluster.Problems()
	for _, set := range sets {
		problems = append(problems, cluster.Judge(ctx, set)...)
	}
	for _, p := range problems {
		r := cmp.Or(j.of[p.Object], &rendering{prefix: "."})
		var others []string
		if r.result != nil {
			others = yamlRead(r.result)
		}
		j.add(r.name, r.prefix, []validate.Finding{j.locator(j.locators, r.prefix).Finding(p, others)})
	}
}

// givenPolicies are those of directories, by the way from the repository's root to
// the root that their files are named from.
type givenPolicies map[string]manifest.Set

func (g givenPolicies) all() manifest.Set {
	var all manifest.Set
	for _, prefix := range slices.Sorted(maps.Keys(g)) {
		all = append(all, g[prefix]...)
	}
	return all
}

func (g givenPolicies) prefix(o *manifest.Object) string {
	for prefix, set := range g {
		if slices.Contains(set, o) {
			return prefix
		}
	}
	return "."
}

// besides leaves out objects that lie in the directories of policies.
func besides(loose manifest.Set, given givenPolicies) manifest.Set {
	known := map[string]bool{}
	for _, o := range given["."] {
		known[o.Origin.String()] = true
	}
	return slices.DeleteFunc(slices.Clone(loose), func(o *manifest.Object) bool { return known[o.Origin.String()] })
}

// givenPolicies reads the directories, params and all.
func (v *validation) givenPolicies(ctx context.Context) (givenPolicies, error) {
	given := givenPolicies{}
	for _, dir := range v.options.policies {
		p, err := subtreeOf(dir)
		if err == nil {
			err = given.read(ctx, v.prefix(p.dir), p.tree, p.at)
		}
		if err != nil {
			return nil, fmt.Errorf("--policies: %w", err)
		}
	}
	text, err := fs.ReadFile(v.tree, validate.ConfigFile)
	if errors.Is(err, fs.ErrNotExist) {
		return given, nil
	}
	if err != nil {
		return nil, err
	}
	dirs, err := validate.ReadPolicies(validate.ConfigFile, text)
	if err != nil {
		return nil, err
	}
	for _, dir := range dirs {
		at := path.Clean(filepath.ToSlash(dir))
		if !fs.ValidPath(at) {
			return nil, fmt.Errorf("%s: policies: %s leads out of the repository", validate.ConfigFile, dir)
		}
		if err := given.read(ctx, ".", v.tree, at); err != nil {
			return nil, fmt.Errorf("%s: policies: %w", validate.ConfigFile, err)
		}
	}
	return given, nil
}

// read reads the objects of a directory, each once.
func (g givenPolicies) read(ctx context.Context, prefix string, tree fs.FS, at string) error {
	_, err := walk.Files(ctx, tree, at, walk.Options{Wanted: wantedToValidate, Ignored: true}, func(file string, text []byte) error {
		if !looksLikeManifest(file, text) || slices.ContainsFunc(g[prefix], func(o *manifest.Object) bool { return o.Origin.File == file }) {
			return nil
		}
		set, err := manifest.ParseStrict(text, manifest.Origin{File: file})
		g[prefix] = append(g[prefix], set...)
		return err
	})
	return err
}
