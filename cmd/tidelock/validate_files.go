package main

import (
	"bytes"
	"context"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

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

// An overlayFile is a kustomization.
type overlayFile struct {
	file      string
	component bool
	refers    []string // to directories of the repository
}

// isManifest is what all manifests have, and few other files.
var isManifest = regexp.MustCompile(`(?s)(^|\n)["{]?\s*"?apiVersion"?\s*:.*`)

// readFiles walks through the parts of a repository.
func readFiles(ctx context.Context, p *subtree, parts []string, screen *screen) (*repositoryFiles, error) {
	r := &repositoryFiles{texts: map[string][]byte{}, overlays: map[string]overlayFile{}, charts: map[string]bool{}}
	for _, part := range parts {
		o := walk.Options{Wanted: wantedToValidate, Progress: screen.seen}
		if _, err := walk.Files(ctx, p.tree, part, o, func(at string, data []byte) error {
			r.file(at, data)
			return nil
		}); err != nil {
			return nil, err
		}
	}
	screen.clear()
	return r, nil
}

func wantedToValidate(at string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(at)) || path.Base(at) == "Kustomization"
}

func (r *repositoryFiles) file(at string, text []byte) {
	dir, name := path.Dir(at), path.Base(at)
	switch name {
	case "kustomization.yaml", "kustomization.yml", "Kustomization":
		r.overlays[dir] = readOverlay(at, text)
		return
	case "Chart.yaml":
		var chart struct{ Type string }
		r.charts[dir] = yaml.Unmarshal(text, &chart) == nil && chart.Type != "library"
		return
	}
	r.texts[at] = text
	if bytes.Contains(text, []byte(api.Group)) && (!bytes.Contains(text, []byte("{{")) || aSet.Match(text)) {
		r.applications(at, text)
	}
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
func (r *repositoryFiles) applications(at string, text []byte) {
	set, err := manifest.Parse(text, manifest.Origin{File: at})
	if err != nil {
		return
	}
	r.stated = append(r.stated, setsOf(set, ".")...)
	for _, o := range set {
		if o.Key.Group != api.Group || o.Key.Kind != api.ApplicationKind {
			continue
		}
		if app, err := applicationOf(o, io.Discard); err == nil {
			r.apps = append(r.apps, found{app: app, object: o})
		}
	}
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
	for _, o := range r.overlays {
		for _, dir := range o.refers {
			used[dir] = true
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
