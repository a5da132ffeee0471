package main

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// What is read of a tree in search of Applications.
const (
	maxSearched     = 100_000 // files
	maxApplication  = 1 << 20 // bytes of one
	maxApplications = 10_000
)

// A found Application, and the manifest that states it.
type found struct {
	app    *api.Application
	object *manifest.Object
}

// findApplications returns the Applications that are stated in the files of a
// tree, by namespace and name. Files that are no manifests (templates, values)
// are passed over; one that names an Application and cannot be read is warned of.
func findApplications(tree *git.Tree, talk io.Writer) (map[string]found, error) {
	all := map[string]found{}
	searched := 0
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || !slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(name)) {
			return nil //nolint:nilerr // what cannot be listed holds no Application
		}
		if searched++; searched > maxSearched || len(all) > maxApplications {
			return fmt.Errorf("more than %d files to look for Applications in: name them with -f", maxSearched)
		}
		return addApplications(all, tree, name, talk)
	})
	return all, err
}

func addApplications(all map[string]found, tree *git.Tree, name string, talk io.Writer) error {
	text, err := tree.ReadFile(name)
	if err != nil || len(text) > maxApplication || !bytes.Contains(text, []byte(api.Group)) || bytes.Contains(text, []byte("{{")) {
		return nil //nolint:nilerr // what cannot be read cannot be a manifest either
	}
	set, err := manifest.Parse(text, manifest.Origin{File: name})
	if err != nil {
		fmt.Fprintf(talk, "warning: %v; an Application in it is not looked at\n", err)
		return nil
	}
	for _, o := range set {
		switch {
		case o.Key.Group != api.Group:
		case o.Key.Kind == "ApplicationSet":
			fmt.Fprintf(talk, "warning: %s: the Applications that %s makes are not looked at: name them with -f\n", o.Origin, o.Key)
		case o.Key.Kind == "Application":
			app, err := applicationOf(o, io.Discard)
			if err != nil {
				fmt.Fprintf(talk, "warning: %v; it is not looked at\n", err)
				continue
			}
			all[app.Namespace+"/"+app.Name] = found{app, o}
		}
	}
	return nil
}
