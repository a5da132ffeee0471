package main

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"maps"
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

// Statements are what of Argo CD's objects the files of a tree state.
type statements struct {
	apps     map[string]found           // by namespace and name
	projects map[string]*api.AppProject // by name
	sources  map[string]string          // the file of each project
	warnings map[string][]string        // by file
	repeated bool                       // one of them is stated twice: the last one counts
}

// findStated looks through a tree. Files that are no manifests (templates, values)
// are passed over; one that names an Application and cannot be read is warned of.
func findStated(tree *git.Tree) (*statements, error) {
	all := &statements{
		apps: map[string]found{}, projects: map[string]*api.AppProject{}, sources: map[string]string{}, warnings: map[string][]string{},
	}
	return all, all.search(tree, ".")
}

// warn says what could not be looked at, by file.
func (s *statements) warn(talk io.Writer) {
	for _, file := range slices.Sorted(maps.Keys(s.warnings)) {
		for _, text := range s.warnings[file] {
			fmt.Fprintf(talk, "warning: %s\n", text)
		}
	}
}

// at is what another tree states, of which only what differs is read.
func (s *statements) at(changes *git.Changes, to *git.Tree) (*statements, error) {
	if changes == nil || s.repeated { // it is cheaper to read it whole, or there is no other way
		return findStated(to)
	}
	paths := changes.Paths()
	all := &statements{maps.Clone(s.apps), maps.Clone(s.projects), maps.Clone(s.sources), maps.Clone(s.warnings), false}
	maps.DeleteFunc(all.apps, func(_ string, f found) bool { return isBelow(paths, f.object.Origin.File) })
	maps.DeleteFunc(all.warnings, func(file string, _ []string) bool { return isBelow(paths, file) })
	maps.DeleteFunc(all.projects, func(name string, _ *api.AppProject) bool { return isBelow(paths, s.sources[name]) })
	for _, name := range paths {
		if err := all.search(to, name); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// isBelow says that a file is one of some paths, or below one.
func isBelow(paths []string, file string) bool {
	for at := file; at != "." && at != "/"; at = path.Dir(at) {
		if _, ok := slices.BinarySearch(paths, at); ok {
			return true
		}
	}
	return false
}

func (s *statements) search(tree *git.Tree, root string) error {
	searched := 0
	return fs.WalkDir(tree, root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || !slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(name)) {
			return nil //nolint:nilerr // what cannot be listed holds no Application
		}
		if searched++; searched > maxSearched || len(s.apps) > maxApplications {
			return fmt.Errorf("more than %d files to look for Applications in: name them with -f", maxSearched)
		}
		s.add(tree, name)
		return nil
	})
}

func (s *statements) add(tree *git.Tree, name string) {
	warn := func(format string, args ...any) {
		s.warnings[name] = append(s.warnings[name], fmt.Sprintf(format, args...))
	}
	text, err := tree.ReadFile(name)
	if err != nil || len(text) > maxApplication || !bytes.Contains(text, []byte(api.Group)) || bytes.Contains(text, []byte("{{")) {
		return // what cannot be read cannot be a manifest either
	}
	set, err := manifest.Parse(text, manifest.Origin{File: name})
	if err != nil {
		warn("%v; an Application in it is not looked at", err)
		return
	}
	for _, o := range set {
		switch {
		case o.Key.Group != api.Group:
		case o.Key.Kind == "ApplicationSet":
			warn("%s: the Applications that %s makes are not looked at: name them with -f", o.Origin, o.Key)
		case o.Key.Kind == "Application":
			app, err := applicationOf(o, io.Discard)
			if err != nil {
				warn("%v; it is not looked at", err)
				continue
			}
			id := app.Namespace + "/" + app.Name
			s.repeated = s.repeated || s.apps[id].app != nil
			s.apps[id] = found{app, o}
		case o.Key.Kind == api.AppProjectKind:
			if p, err := projectIn(o, io.Discard); err == nil {
				s.repeated = s.repeated || s.projects[p.Name] != nil
				s.projects[p.Name], s.sources[p.Name] = p, name
			}
		}
	}
}
