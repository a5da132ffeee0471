package main

import (
	"context"
	"path"
	"slices"

	"github.com/tidelock-io/tidelock/agent/api"
)

// renderAll renders the Applications of files, those that they render, and then what
// none of them has used. What is stated below an overlay counts as the overlay makes it,
// with its patches, be it an Application that renders the overlay or a person; as it
// stands in its file it counts only if nothing renders it.
func (v *validation) renderAll(ctx context.Context) error {
	if err := v.follow(ctx, v.files.applicationsOf(false), v.files.sets(false)); err != nil {
		return err
	}
	if err := v.directories(ctx, v.files.stating(v.covers)); err != nil {
		return err
	}
	v.dropAdopted()
	apps := slices.DeleteFunc(v.files.applicationsOf(true), func(f found) bool { return v.covers(f.object.Origin.File) })
	sets := slices.DeleteFunc(v.files.sets(true), func(s foundSet) bool { return v.covers(s.object.Origin.File) })
	if err := v.follow(ctx, apps, sets); err != nil {
		return err
	}
	return v.directories(ctx, v.files.roots(v.covers))
}

// directories renders overlays and charts, and follows what they state.
func (v *validation) directories(ctx context.Context, dirs []string) error {
	list := make([]*rendering, len(dirs))
	for i, dir := range dirs {
		list[i] = v.directory(dir)
	}
	if err := v.renderEach(ctx, list); err != nil {
		return err
	}
	return v.follow(ctx, stated(list), statedSets(list))
}

// dropAdopted forgets what was rendered as nobody's directory, and is an Application's
// after all: of one that it states itself, such as the root of them all.
func (v *validation) dropAdopted() {
	adopted := map[string]bool{}
	for _, r := range v.rendered {
		if r.name == "" || r.prefix != "." {
			continue
		}
		for _, s := range r.app.Spec.AllSources() {
			adopted[path.Clean(s.Path)] = true
		}
	}
	v.rendered = slices.DeleteFunc(v.rendered, func(r *rendering) bool { return r.name == "" && adopted[r.app.Spec.Source.Path] })
	v.input.applications = slices.DeleteFunc(v.input.applications, func(app *api.Application) bool {
		return app.Namespace == localNamespace && app.Spec.Source != nil && app.Spec.Source.RepoURL == v.dir && adopted[app.Spec.Source.Path]
	})
}
