package main

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"regexp"
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
	files    *repositoryFiles           // Applications, ApplicationSets, overlays and charts
	carriers map[string]bool            // files with such objects, or templates of them
	apps     map[string]found           // all, by namespace and name, once they are discovered
	projects map[string]*api.AppProject // by name
	sources  map[string]string          // the file of each project
	warnings map[string][]string        // by file
	clusters map[string]*knownClusters  // by file
	repeated bool                       // one of them is stated twice: the last one counts
}

// findStated looks through a tree. Files that are no manifests (templates, values)
// are passed over; one that names an Application and cannot be read is warned of.
func findStated(tree *git.Tree) (*statements, error) {
	all := newStatements()
	err := all.search(tree, ".")
	all.sort()
	return all, err
}

func newStatements() *statements {
	return &statements{
		files: newRepositoryFiles(), carriers: map[string]bool{}, apps: map[string]found{}, projects: map[string]*api.AppProject{},
		sources: map[string]string{}, warnings: map[string][]string{}, clusters: map[string]*knownClusters{},
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
		files: s.files.without(func(file string) bool { return isBelow(paths, file) }), carriers: maps.Clone(s.carriers), apps: map[string]found{},
		projects: maps.Clone(s.projects), sources: maps.Clone(s.sources), warnings: maps.Clone(s.warnings), clusters: maps.Clone(s.clusters),
	}
	maps.DeleteFunc(all.carriers, func(file string, _ bool) bool { return isBelow(paths, file) })
	maps.DeleteFunc(all.clusters, func(file string, _ *knownClusters) bool { return isBelow(paths, file) })
	maps.DeleteFunc(all.warnings, func(file string, _ []string) bool { return isBelow(paths, file) })
	maps.DeleteFunc(all.projects, func(name string, _ *api.AppProject) bool { return isBelow(paths, s.sources[name]) })
	for _, name := range paths {
		if err := all.search(to, name); err != nil {
			return nil, err
		}
	}
	all.sort()
	return all, nil
}

// sort puts what is stated into the order of files: of two that are called the same the
// last one counts.
func (s *statements) sort() {
	byFile := func(a, b *manifest.Object) int { return strings.Compare(a.Origin.File, b.Origin.File) }
	slices.SortStableFunc(s.files.apps, func(a, b found) int { return byFile(a.object, b.object) })
	slices.SortStableFunc(s.files.stated, func(a, b foundSet) int { return byFile(a.object, b.object) })
	last := map[string]int{}
	for i, f := range s.files.apps {
		last[f.app.Namespace+"/"+f.app.Name] = i
	}
	var apps []found
	for i, f := range s.files.apps {
		if last[f.app.Namespace+"/"+f.app.Name] == i {
			apps = append(apps, f)
		}
	}
	s.repeated = s.repeated || len(apps) < len(s.files.apps)
	s.files.apps = apps
}

// without are the files but for some. What is not looked for in commits stays behind.
func (r *repositoryFiles) without(left func(file string) bool) *repositoryFiles {
	all := newRepositoryFiles()
	maps.Copy(all.overlays, r.overlays)
	maps.DeleteFunc(all.overlays, func(_ string, o overlayFile) bool { return left(o.file) })
	maps.Copy(all.charts, r.charts)
	maps.DeleteFunc(all.charts, func(dir string, _ bool) bool { return left(path.Join(dir, "Chart.yaml")) })
	all.apps = slices.DeleteFunc(slices.Clone(r.apps), func(f found) bool { return left(f.object.Origin.File) })
	all.stated = slices.DeleteFunc(slices.Clone(r.stated), func(s foundSet) bool { return left(s.object.Origin.File) })
	return all
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
		if s.merge(of); len(s.files.apps) > maxApplications {
			return fmt.Errorf("more than %d Applications: name those that are meant with -f", maxApplications)
		}
	}
	return nil
}

// manifestsBelow lists the files that may state Applications.
func manifestsBelow(tree *git.Tree, root string) (names []string, err error) {
	err = fs.WalkDir(tree, root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || !wantedToValidate(name) {
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
	for name := range of.projects {
		s.repeated = s.repeated || s.projects[name] != nil
	}
	s.repeated = s.repeated || of.repeated
	s.files.apps, s.files.stated = append(s.files.apps, of.files.apps...), append(s.files.stated, of.files.stated...)
	maps.Copy(s.files.overlays, of.files.overlays)
	maps.Copy(s.files.charts, of.files.charts)
	maps.Copy(s.carriers, of.carriers)
	maps.Copy(s.projects, of.projects)
	maps.Copy(s.sources, of.sources)
	maps.Copy(s.warnings, of.warnings)
	maps.Copy(s.clusters, of.clusters)
}

// statedIn is what a file states; nil for nothing.
func statedIn(tree *git.Tree, name string) *statements {
	text, err := tree.ReadFile(name)
	if err != nil || len(text) > maxApplication {
		return nil // what cannot be read cannot be a manifest either
	}
	f := &repositoryFile{at: name, text: text}
	renders := f.ofRenderer()
	if !renders && !bytes.Contains(text, []byte(api.Group)) {
		return nil
	}
	s := newStatements()
	if renders {
		s.files.add(f)
	} else {
		s.read(name, text)
	}
	return s
}

// aCarrier is a file that states an Application or an ApplicationSet, or a template of
// one.
var aCarrier = regexp.MustCompile(`(?m)^[\s{-]*["']?kind["']?\s*:\s*["']?Application(Set)?\b`)

func (s *statements) read(name string, text []byte) {
	warn := func(format string, args ...any) {
		s.warnings[name] = append(s.warnings[name], fmt.Sprintf(format, args...))
	}
	if aCarrier.Match(text) {
		s.carriers[name] = true
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
			s.files.stated = append(s.files.stated, foundSet{set, o, "."})
		case o.Key.Kind == "Application":
			app, err := applicationOf(o, io.Discard)
			if err != nil {
				warn("%v; it is not looked at", err)
				continue
			}
			s.files.apps = append(s.files.apps, found{app: app, object: o})
		case o.Key.Kind == api.AppProjectKind:
			if p, err := projectIn(o, io.Discard); err == nil {
				s.repeated = s.repeated || s.projects[p.Name] != nil
				s.projects[p.Name], s.sources[p.Name] = p, name
			}
		}
	}
}
