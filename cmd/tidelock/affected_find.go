package main

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// What is read of a tree in search of Applications and what makes them.
const (
	maxSearched     = 100_000 // files
	maxApplication  = 1 << 20 // bytes of one
	maxApplications = 10_000
)

// A found Application, and the manifest that states it.
type found struct {
	app    *api.Application
	object *manifest.Object
	by     *api.ApplicationSet // that makes it; nil if it is stated itself
}

// place says where it comes from.
func (f found) place() string {
	if f.by == nil {
		return f.object.Origin.String()
	}
	return fmt.Sprintf("ApplicationSet %s makes it, %s", f.by.Name, f.object.Origin)
}

// Statements are what of Argo CD's objects the files of a tree state.
type statements struct {
	apps     map[string]found           // by namespace and name
	projects map[string]*api.AppProject // by name
	sources  map[string]string          // the file of each project
	warnings map[string][]string        // by file
	sets     map[string]foundSet        // ApplicationSets, by file, namespace and name
	clusters map[string]*knownClusters  // by file
	repeated bool                       // one of them is stated twice: the last one counts
}

// findStated looks through a tree. Files that are no manifests (templates, values)
// are passed over; one that names an Application and cannot be read is warned of.
func findStated(tree *git.Tree) (*statements, error) {
	all := newStatements()
	return all, all.search(tree, ".")
}

func newStatements() *statements {
	return &statements{
		apps: map[string]found{}, projects: map[string]*api.AppProject{}, sources: map[string]string{}, warnings: map[string][]string{},
		sets: map[string]foundSet{}, clusters: map[string]*knownClusters{},
	}
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
	all := &statements{
		apps: maps.Clone(s.apps), projects: maps.Clone(s.projects), sources: maps.Clone(s.sources), warnings: maps.Clone(s.warnings),
		sets: maps.Clone(s.sets), clusters: maps.Clone(s.clusters),
	}
	maps.DeleteFunc(all.sets, func(_ string, f foundSet) bool { return isBelow(paths, f.object.Origin.File) })
	maps.DeleteFunc(all.clusters, func(file string, _ *knownClusters) bool { return isBelow(paths, file) })
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

// search reads files side by side, and takes over what they state in the order of
// their names.
func (s *statements) search(tree *git.Tree, root string) error {
	names, err := manifestsBelow(tree, root)
	if err != nil {
		return err
	}
	stated := make([]*statements, len(names))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, name := range names {
		g.Go(func() error { stated[i] = statedIn(tree, name); return nil })
	}
	_ = g.Wait() // what cannot be read is a warning
	for _, of := range stated {
		if of == nil {
			continue
		}
		if s.merge(of); len(s.apps) > maxApplications {
			return fmt.Errorf("more than %d Applications: name those that are meant with -f", maxApplications)
		}
	}
	return nil
}

// manifestsBelow lists the files that may state Applications.
func manifestsBelow(tree *git.Tree, root string) (names []string, err error) {
	err = fs.WalkDir(tree, root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || !slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(name)) {
			return nil //nolint:nilerr // what cannot be listed holds no Application
		}
		if names = append(names, name); len(names) > maxSearched {
			return fmt.Errorf("more than %d files to look for Applications in: name them with -f", maxSearched)
		}
		return nil
	})
	return names, err
}

// merge adds what a file states.
func (s *statements) merge(of *statements) {
	for id := range of.apps {
		s.repeated = s.repeated || s.apps[id].app != nil
	}
	for name := range of.projects {
		s.repeated = s.repeated || s.projects[name] != nil
	}
	s.repeated = s.repeated || of.repeated
	maps.Copy(s.apps, of.apps)
	maps.Copy(s.projects, of.projects)
	maps.Copy(s.sources, of.sources)
	maps.Copy(s.warnings, of.warnings)
	maps.Copy(s.sets, of.sets)
	maps.Copy(s.clusters, of.clusters)
}

// statedIn is what a file states; nil for nothing.
func statedIn(tree *git.Tree, name string) *statements {
	text, err := tree.ReadFile(name)
	if err != nil || len(text) > maxApplication || !bytes.Contains(text, []byte(api.Group)) {
		return nil // what cannot be read cannot be a manifest either
	}
	s := newStatements()
	s.read(name, text)
	return s
}

func (s *statements) read(name string, text []byte) {
	warn := func(format string, args ...any) {
		s.warnings[name] = append(s.warnings[name], fmt.Sprintf(format, args...))
	}
	if isClusterSecret(text) {
		s.clusters[name] = &knownClusters{}
		s.clusters[name].add(name, text)
	}
	if bytes.Contains(text, []byte("{{")) && (!aSet.Match(text) || slices.Contains(strings.Split(name, "/"), "templates")) {
		return // it is a template of something else
	}
	set, err := manifest.Parse(text, manifest.Origin{File: name})
	if err != nil {
		warn("%v; an Application in it is not looked at", err)
		return
	}
	for _, o := range set {
		switch {
		case o.Key.Group != api.Group:
		case isSet(o):
			set, err := setOf(o, io.Discard)
			if err != nil {
				warn("%v; what it makes is not looked at", err)
				continue
			}
			s.sets[name+" "+set.Namespace+"/"+set.Name] = foundSet{set: set, object: o}
		case o.Key.Kind == "Application":
			app, err := applicationOf(o, io.Discard)
			if err != nil {
				warn("%v; it is not looked at", err)
				continue
			}
			id := app.Namespace + "/" + app.Name
			s.repeated = s.repeated || s.apps[id].app != nil
			s.apps[id] = found{app: app, object: o}
		case o.Key.Kind == api.AppProjectKind:
			if p, err := projectIn(o, io.Discard); err == nil {
				s.repeated = s.repeated || s.projects[p.Name] != nil
				s.projects[p.Name], s.sources[p.Name] = p, name
			}
		}
	}
}
