package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/agent/pipeline"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// expand adds the Applications that the ApplicationSets of files make.
func (o *renderOptions) expand(ctx context.Context, in *renderInput, line *pipeline.Pipeline, talk io.Writer) error {
	if len(in.sets) == 0 {
		return nil
	}
	e := &expander{input: in, from: line.Git, repo: line.Keys.Repo, options: o.sets, clusters: func() (*knownClusters, error) {
		return o.knownClusters(ctx, in)
	}}
	var failed failures
	for _, s := range in.sets {
		x := e.expand(ctx, s)
		if x.err != nil {
			failed = append(failed, fmt.Errorf("%s: %s", s, withoutName(x.err)))
			continue
		}
		x.tell(talk)
		for _, f := range x.apps {
			o.adapt(f.app)
			in.applications = append(in.applications, f.app)
		}
	}
	switch {
	case failed != nil:
		return failed
	case len(in.applications) == 0:
		return errors.New("there is nothing to render: no Application is generated")
	}
	return nil
}

// knownClusters are those of the command line, and of the work trees that are looked
// into anyway.
func (o *renderOptions) knownClusters(ctx context.Context, in *renderInput) (*knownClusters, error) {
	known, err := o.sets.given()
	if err != nil {
		return nil, err
	}
	var roots []string
	for _, w := range in.worktrees {
		roots = append(roots, w.root)
	}
	for _, dir := range in.dirs {
		roots = append(roots, dir)
	}
	if in.any != "" {
		roots = append(roots, in.any)
	}
	slices.Sort(roots)
	for _, root := range slices.Compact(roots) {
		tree, err := git.Dir(root)
		if err != nil {
			return nil, err
		}
		if err := clustersIn(ctx, tree, known); err != nil {
			return nil, err
		}
	}
	return known, nil
}

// printApplications writes what is otherwise rendered.
func (o *renderOptions) printApplications(out io.Writer, apps []*api.Application) error {
	var set manifest.Set
	for _, app := range apps {
		object, err := generatedObject(app, manifest.Origin{})
		if err != nil {
			return err
		}
		set = append(set, object)
	}
	switch o.output {
	case "json":
		return printJSON(out, set, o.showSecrets)
	case "name":
		return printNames(out, set)
	}
	return writeManifests(out, set, o.showSecrets)
}
