package main

import (
	"bytes"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/git"
)

// A reach tells of some Applications, without a render, that nothing they can read has
// changed: what a renderer reads is in its directory, or is named there by a path with
// "..". Whatever might lead elsewhere is taken for something that does. A nil reach
// knows nothing.
type reach struct {
	tree    *git.Tree
	changed []string
	ours    func(url, revision string) bool

	mu    sync.Mutex
	seen  map[string]bool // directories, and whether it is known what they lead to; guarded by mu
	leads map[string][]string
}

// newReach is nil if it cannot be told what has changed.
func (e *comparison) newReach() *reach {
	changes := e.between()
	if changes == nil {
		return nil
	}
	return &reach{
		tree: e.beforeTree, changed: changes.Paths(), seen: map[string]bool{}, leads: map[string][]string{},
		ours: func(url, revision string) bool { return e.beforeFiles.ours(git.Repo{URL: url}, revision) },
	}
}

// beyond says that no change is within an Application's reach.
func (r *reach) beyond(app *api.Application) bool {
	if r == nil || app.Annotations[api.AnnotationLookup]+app.Annotations[api.AnnotationValuesFrom]+app.Annotations[api.AnnotationPostRender] != "" {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range app.Spec.AllSources() {
		if !r.plain(&s) || !r.untouched(path.Clean(s.Path), map[string]bool{}) {
			return false
		}
	}
	return true
}

// plain says that a source is a directory of the repository, and names nothing
// outside of it by itself.
func (r *reach) plain(s *api.Source) bool {
	named := s.Helm != nil && (len(s.Helm.ValueFiles) > 0 || len(s.Helm.FileParameters) > 0) ||
		s.Directory != nil && s.Directory.Jsonnet != nil && len(s.Directory.Jsonnet.Libs) > 0 || s.Kustomize != nil && len(s.Kustomize.Components) > 0
	return !named && s.Plugin == nil && s.Ref == "" && !s.IsChart() && !s.IsOCI() && r.ours(s.RepoURL, s.Revision())
}

// untouched says that nothing has changed in a directory, nor in what it leads to.
func (r *reach) untouched(dir string, visited map[string]bool) bool {
	if visited[dir] {
		return true
	}
	visited[dir] = true
	if slices.ContainsFunc(r.changed, func(p string) bool { return isIn(p, dir) || isIn(dir, p) }) {
		return false
	}
	leads, known := r.from(dir)
	return known && !slices.ContainsFunc(leads, func(to string) bool { return !r.untouched(to, visited) })
}

// isIn says that a path is a directory, or in it.
func isIn(p, dir string) bool { return dir == "." || p == dir || strings.HasPrefix(p, dir+"/") }

// from lists what a directory, or a file, leads to; known says that this is all.
func (r *reach) from(dir string) (leads []string, known bool) {
	if known, ok := r.seen[dir]; ok {
		return r.leads[dir], known
	}
	known = true
	_ = fs.WalkDir(r.tree, dir, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil || entry.Type()&^fs.ModeDir != 0:
			known = false
		case !entry.IsDir():
			list, ok := r.ofFile(name)
			leads, known = append(leads, list...), known && ok
		}
		if !known {
			return fs.SkipAll
		}
		return nil
	})
	r.seen[dir], r.leads[dir] = known, leads
	return leads, known
}

var (
	// aPath is a word of which a part is "..".
	aPath = regexp.MustCompile(`[\w./@+~%-]*\.\.[\w./@+~%-]*`)
	// disguised are ways to write ".." in YAML and JSON that a search does not find.
	disguised = regexp.MustCompile(`(?i)\\x2[ef]|\\u002[ef]|\\u0000002[ef]|\\/|\\\r?\n`)
	// elsewhere is what a kustomization may write of another repository.
	elsewhere = regexp.MustCompile(`//|@|\?|git(hub|lab)|bitbucket|gh:`)
)

// ofFile lists the paths outside of its directory that a file names.
func (r *reach) ofFile(name string) (leads []string, known bool) {
	text, err := r.tree.ReadFile(name)
	base := path.Base(name)
	switch {
	case err != nil, disguised.Match(text), strings.HasPrefix(base, ".argocd-source"), base == "Chart.yaml" && bytes.Contains(text, []byte("://")):
		return nil, false
	case strings.HasPrefix(strings.ToLower(base), "kustomization") && elsewhere.Match(text):
		return nil, false
	case !bytes.Contains(text, []byte("..")):
		return nil, true
	}
	for _, word := range aPath.FindAllString(string(text), -1) {
		if to := path.Join(path.Dir(name), word); slices.Contains(strings.Split(word, "/"), "..") && !strings.HasPrefix(to, "..") {
			if _, err := r.tree.Stat(to); err == nil {
				leads = append(leads, to)
			} else if changedBelow := slices.ContainsFunc(r.changed, func(p string) bool { return isIn(p, to) || isIn(to, p) }); changedBelow {
				return nil, false
			}
		}
	}
	return leads, true
}
