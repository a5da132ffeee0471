package main

import (
	"context"
	"path"
	"slices"

	"github.com/tidelock-io/tidelock/agent/api"
)

// renderAll renders the Applications that are found, and then the overlays and charts
// that none of them has used.
func (v *validation) renderAll(ctx context.Context) error {
	d := &discovery{
		files: v.files, covers: v.covers, take: v.applications, make: v.generated,
		directory: v.directory, render: v.renderEach, adopted: v.dropAdopted,
	}
	if err := d.run(ctx); err != nil {
		return err
	}
	return d.directories(ctx, v.files.roots(v.covers))
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
