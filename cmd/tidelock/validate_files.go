package main

import (
	"bytes"
	"context"
	"io"
	"maps"
	"path"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/tidelock-io/tidelock/agent/api"
	sops "github.com/tidelock-io/tidelock/plugins/sops/detect"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets/walk"
	"go.yaml.in/yaml/v3"
)

// A repositoryFiles is what the files of a repository are, as far as it is seen
// without rendering.
type repositoryFiles struct {
	texts map[string][]byte // YAML and JSON
	// overlays are the directories with a kustomization, and what they refer to.
	overlays map[string]overlayFile
	charts   map[string]bool // directories; false for those that are no charts to install
	apps     []found         // Applications
	stated   []foundSet      // ApplicationSets
}

func newRepositoryFiles() *repositoryFiles {
	return &repositoryFiles{texts: map[string][]byte{}, overlays: map[string]overlayFile{}, charts: map[string]bool{}}
}

// An overlayFile is a kustomization, which is read when that is needed.
type overlayFile struct {
	file      string
	text      []byte // nil once it is read
	component bool
	refers    []string // to directories of the repository
}

// isManifest is what all manifests have, and few other files.
var isManifest = regexp.MustCompile(`(?s)(^|\n)["{]?\s*"?apiVersion"?\s*:.*`)

// readFiles walks through the parts of a repository, and parses side by side.
func readFiles(ctx context.Context, p *subtree, parts []string, screen *screen) (*repositoryFiles, error) {
	var files []*repositoryFile
	var parsing errgroup.Group
	parsing.SetLimit(runtime.GOMAXPROCS(0))
	defer screen.clear()
	for _, part := range parts {
		o := walk.Options{Wanted: wantedToValidate, Progress: screen.seen}
		_, err := walk.Files(ctx, p.tree, part, o, func(at string, data []byte) error {
			f := &repositoryFile{at: at, text: data}
			files = append(files, f)
			parsing.Go(func() error { f.parse(); return nil })
			return nil
		})
		if err != nil {
			_ = parsing.Wait() // it has no errors
			return nil, err
		}
	}
	_ = parsing.Wait()
	r := newRepositoryFiles()
	for _, f := range files {
		r.add(f)
	}
	return r, nil
}

func wantedToValidate(at string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(at)) || path.Base(at) == "Kustomization"
}

// A repositoryFile is one file, and what it is.
type repositoryFile struct {
	at      string
	text    []byte
	overlay *overlayFile
	chart   bool
	install bool // the chart is one to install
	apps    []found
	stated  []foundSet
}

func (f *repositoryFile) parse() {
	if f.ofRenderer() {
		if f.overlay != nil {
			*f.overlay = readOverlay(f.at, f.text)
		}
		return
	}
	if bytes.Contains(f.text, []byte(api.Group)) && (!bytes.Contains(f.text, []byte("{{")) || aSet.Match(f.text)) {
		f.applications()
	}
}

func (r *repositoryFiles) add(f *repositoryFile) {
	switch dir := path.Dir(f.at); {
	case f.overlay != nil:
		r.overlays[dir] = *f.overlay
	case f.chart:
		r.charts[dir] = f.install
	default:
		r.texts[f.at] = f.text
		r.apps, r.stated = append(r.apps, f.apps...), append(r.stated, f.stated...)
	}
}

// ofRenderer says whether the file says that its directory is an overlay, which is not
// read yet, or a chart.
func (f *repositoryFile) ofRenderer() bool {
	switch path.Base(f.at) {
	case "kustomization.yaml", "kustomization.yml", "Kustomization":
		f.overlay = &overlayFile{file: f.at, text: f.text}
	case "Chart.yaml":
		var chart struct{ Type string }
		f.chart, f.install = true, yaml.Unmarshal(f.text, &chart) == nil && chart.Type != "library"
	default:
		return false
	}
	return true
}

// overlay returns the one of a directory.
func (r *repositoryFiles) overlay(dir string) (overlayFile, bool) {
	o, ok := r.overlays[dir]
	if o.text != nil {
		o = readOverlay(o.file, o.text)
		r.overlays[dir] = o
	}
	return o, ok
}

// readOverlay reads which directories a kustomization builds on.
func readOverlay(at string, text []byte) overlayFile {
	var k struct {
		Kind                         string
		Resources, Bases, Components []string
	}
	o := overlayFile{file: at}
	if yaml.Unmarshal(text, &k) != nil {
		return o // its render tells what is wrong with it
	}
	o.component = k.Kind == "Component"
	for _, name := range slices.Concat(k.Resources, k.Bases, k.Components) {
		if !strings.Contains(name, "://") {
			o.refers = append(o.refers, path.Join(path.Dir(at), name))
		}
	}
	return o
}

// applications takes over those of a file that can be read. What is wrong with the
// others is told where the file is looked at.
func (f *repositoryFile) applications() {
	set, err := manifest.Parse(f.text, manifest.Origin{File: f.at})
	if err != nil {
		return
	}
	f.stated = setsOf(set, ".")
	for _, o := range set {
		if o.Key.Group != api.Group || o.Key.Kind != api.ApplicationKind {
			continue
		}
		if app, err := applicationOf(o, io.Discard); err == nil {
			f.apps = append(f.apps, found{app: app, object: o})
		}
	}
}

// applicationsOf are the Applications that files state: those below an overlay or a
// chart, or those that no renderer is for.
func (r *repositoryFiles) applicationsOf(ofRenderers bool) []found {
	var apps []found
	for _, f := range r.apps {
		if r.belongs(f.object.Origin.File) == ofRenderers {
			apps = append(apps, f)
		}
	}
	return apps
}

// sets are the ApplicationSets that files state: those below an overlay, or those that
// no renderer is for. What is in a chart is a template.
func (r *repositoryFiles) sets(ofOverlays bool) []foundSet {
	var sets []foundSet
	for _, s := range r.stated {
		if file := s.object.Origin.File; r.belongs(file) == ofOverlays && !r.partOfChart(path.Join(path.Dir(file), "x")) {
			sets = append(sets, s)
		}
	}
	return sets
}

// roots are the overlays and charts that nothing else uses: neither one of them
// nor what has been read.
func (r *repositoryFiles) roots(read func(file string) bool) []string {
	used := map[string]bool{}
	for dir := range r.overlays {
		o, _ := r.overlay(dir)
		for _, to := range o.refers {
			used[to] = true
		}
	}
	var dirs []string
	for dir, o := range r.overlays {
		if !o.component && !used[dir] && !read(o.file) {
			dirs = append(dirs, dir)
		}
	}
	for dir, installs := range r.charts {
		_, both := r.overlays[dir]
		if installs && !both && !r.partOfChart(dir) && !read(path.Join(dir, "Chart.yaml")) {
			dirs = append(dirs, dir)
		}
	}
	slices.Sort(dirs)
	return dirs
}

// stating are the roots that lead to a file in which an Application or ApplicationSet is
// stated.
func (r *repositoryFiles) stating(read func(file string) bool) []string {
	files := map[string]bool{}
	for _, f := range r.apps {
		files[f.object.Origin.File] = true
	}
	for _, s := range r.stated {
		files[s.object.Origin.File] = true
	}
	maps.DeleteFunc(files, func(file string, _ bool) bool { return !r.belongs(file) })
	if len(files) == 0 {
		return nil
	}
	return slices.DeleteFunc(r.roots(read), func(dir string) bool { return !r.leadsTo(dir, files, map[string]bool{}) })
}

// leadsTo says whether an overlay, or what it builds on, has one of some files.
func (r *repositoryFiles) leadsTo(dir string, files, seen map[string]bool) bool {
	o, ok := r.overlay(dir)
	if !ok || seen[dir] {
		return false
	}
	seen[dir] = true
	return slices.ContainsFunc(o.refers, func(to string) bool { return files[to] || r.leadsTo(to, files, seen) })
}

// partOfChart says whether a chart lies within another.
func (r *repositoryFiles) partOfChart(dir string) bool {
	for parent := path.Dir(dir); ; parent = path.Dir(parent) {
		if _, ok := r.charts[parent]; ok && parent != dir {
			return true
		}
		if parent == "." || parent == "/" {
			return false
		}
	}
}

// loose are the manifests that no renderer is for: no overlay or chart lies above
// them, and nothing has read them.
func (r *repositoryFiles) loose(read func(file string) bool) []string {
	var files []string
	for at, text := range r.texts {
		if !read(at) && !r.belongs(at) && looksLikeManifest(at, text) {
			files = append(files, at)
		}
	}
	slices.Sort(files)
	return files
}

func (r *repositoryFiles) belongs(at string) bool {
	for dir := path.Dir(at); ; dir = path.Dir(dir) {
		_, overlay := r.overlays[dir]
		_, chart := r.charts[dir]
		if overlay || chart {
			return true
		}
		if dir == "." || dir == "/" {
			return false
		}
	}
}

var (
	kindField = regexp.MustCompile(`(?m)^\s*["{]?\s*"?kind"?\s*:`)
	metaField = regexp.MustCompile(`(?m)^\s*["{]?\s*"?metadata"?\s*:`)
)

func looksLikeManifest(at string, text []byte) bool {
	braces := bytes.Contains(text, []byte("{{")) && (!aSet.Match(text) || bytes.Contains(text, []byte("{%")))
	return isManifest.Match(text) && kindField.Match(text) && metaField.Match(text) && !braces && sops.Encrypted(at, text) == ""
}
