package main

import (
	"context"
	"path"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// A discovery finds the Applications of a repository: those that files state, those that
// ApplicationSets make, and those that Applications, overlays and charts render of both,
// in turn. What is stated below an overlay counts as the overlay makes it, with its
// patches, be it an Application that renders the overlay or a person; as it stands in its
// file it counts only if nothing renders it.
type discovery struct {
	files *repositoryFiles
	// covers says whether a render has read a file.
	covers func(file string) bool
	// take notes Applications, and returns those that are to be rendered.
	take func(all []found) []*rendering
	// make returns the Applications that ApplicationSets make.
	make func(ctx context.Context, sets []foundSet) ([]found, error)
	// directory is an overlay or a chart that no Application renders.
	directory func(dir string) *rendering
	render    func(ctx context.Context, list []*rendering) error
	// adopted is called when it is known which directories are Applications' after all.
	adopted func()
}

func (d *discovery) run(ctx context.Context) error {
	if err := d.follow(ctx, d.files.applicationsOf(false), d.files.sets(false)); err != nil {
		return err
	}
	if err := d.directories(ctx, d.files.stating(d.covers)); err != nil {
		return err
	}
	d.adopted()
	apps := slices.DeleteFunc(d.files.applicationsOf(true), func(f found) bool { return d.covers(f.object.Origin.File) })
	sets := slices.DeleteFunc(d.files.sets(true), func(s foundSet) bool { return d.covers(s.object.Origin.File) })
	return d.follow(ctx, apps, sets)
}

// follow renders Applications and those that ApplicationSets make, and what these
// render of both in turn.
func (d *discovery) follow(ctx context.Context, apps []found, sets []foundSet) error {
	for len(apps) > 0 || len(sets) > 0 {
		made, err := d.make(ctx, sets)
		if err != nil {
			return err
		}
		next := d.take(slices.Concat(apps, made))
		if err := d.render(ctx, next); err != nil {
			return err
		}
		apps, sets = stated(next), statedSets(next)
	}
	return nil
}

// directories renders overlays and charts, and follows what they state.
func (d *discovery) directories(ctx context.Context, dirs []string) error {
	list := make([]*rendering, len(dirs))
	for i, dir := range dirs {
		list[i] = d.directory(dir)
	}
	if err := d.render(ctx, list); err != nil {
		return err
	}
	return d.follow(ctx, stated(list), statedSets(list))
}

// asApplication makes an Application of an overlay or a chart of a repository.
func (r *repositoryFiles) asApplication(root, dir string) *rendering {
	app := &api.Application{
		ObjectMeta: metav1.ObjectMeta{Namespace: localNamespace, Name: directoryName(root, dir)},
		Spec: api.ApplicationSpec{
			Source:      &api.Source{RepoURL: root, Path: dir},
			Destination: api.Destination{Server: api.InClusterServer, Namespace: "default"},
		},
	}
	file := path.Join(dir, "Chart.yaml")
	if o, ok := r.overlays[dir]; ok {
		file = o.file
	}
	return &rendering{app: app, origin: manifest.Origin{File: file}, prefix: "."}
}
