package render

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
)

// A marker is a file that tells what kind of source its directory is.
type marker struct {
	file string
	kind api.SourceType
}

// markers are looked for in this order (SEMANTICS.md 1.2).
var markers = []marker{
	{"Chart.yaml", api.SourceTypeHelm},
	{"kustomization.yaml", api.SourceTypeKustomize},
	{"kustomization.yml", api.SourceTypeKustomize},
	{"Kustomization", api.SourceTypeKustomize},
}

// choose returns the type of a source: that of the block it has, or what the
// files of its directory tell.
func (p *pass) choose(source *api.Source) (api.SourceType, error) {
	types := source.Types()
	if p.req.Chained && source.Kustomize != nil {
		if first, err := p.first(source); first || err != nil {
			return api.SourceTypeHelm, err
		}
	}
	switch {
	case len(types) > 1:
		return "", severalBlocks(source, types)
	case source.Plugin != nil:
		return api.SourceTypePlugin, p.named(source)
	case len(types) == 1:
		return types[0], nil
	case source.IsChart():
		return api.SourceTypeHelm, nil
	}
	if found, err := p.discover(source); err != nil || found {
		source.Plugin = &api.PluginSource{}
		return api.SourceTypePlugin, err
	}
	for _, m := range markers {
		if has, err := p.has(source, m.file); has || err != nil {
			return m.kind, err
		}
	}
	return api.SourceTypeDirectory, nil
}

// has says whether the source's directory has a file.
func (p *pass) has(source *api.Source, file string) (bool, error) {
	_, err := p.view.Stat(path.Join(source.Path, file))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func severalBlocks(source *api.Source, types []api.SourceType) error {
	e := &Error{
		Where: source.Path, Kind: ErrKind,
		Err:  fmt.Errorf("the source has blocks for several renderers: %s", join(types)),
		Hint: "keep one of them, here or in .argocd-source.yaml",
	}
	if source.IsHelmAndKustomize() {
		e.Hint += "; or set the annotation " + api.AnnotationPostRender + ": " + api.PostRenderKustomize + " to have Kustomize build what Helm renders"
	}
	return e
}

func join(types []api.SourceType) string {
	var names []string
	for _, t := range types {
		names = append(names, strings.ToLower(string(t)))
	}
	return strings.Join(names, ", ")
}

// checkPath makes sure that the source's path is a directory of the tree. The
// error names what there is instead.
func (p *pass) checkPath(dir string) error {
	if !fs.ValidPath(dir) {
		return &Error{
			Where: dir, Kind: ErrPath, Err: errors.New("the path leaves the repository, or starts at the root of a disk"),
			Hint: "write it relative to the repository's root",
		}
	}
	info, err := p.view.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return p.missing(dir)
	case err != nil:
		return err
	case !info.IsDir():
		return &Error{Where: dir, Kind: ErrPath, Err: errors.New("the path is a file"), Hint: "name the directory that it is in"}
	}
	return nil
}

// missing says how much of a path exists, and which directories are there.
func (p *pass) missing(dir string) error {
	p.out.useEnv(nil) // the error names the commit
	parent := path.Dir(dir)
	entries, err := p.view.ReadDir(parent)
	for err != nil && parent != "." {
		parent = path.Dir(parent)
		entries, err = p.view.ReadDir(parent)
	}
	if err != nil {
		return err
	}
	at := "the work tree"
	if p.req.Tree.Revision() != "" {
		at = p.req.Tree.String()
	}
	e := &Error{Where: dir, Kind: ErrPath, Err: fmt.Errorf("no such directory in %s of %s", at, publicURL(p.req.Source.RepoURL))}
	here := "the repository's root"
	if parent != "." {
		here = parent
	}
	if near := nearest(path.Base(dir), entries); len(near) > 0 {
		e.Hint = fmt.Sprintf("%s has the directories %s", here, strings.Join(near, ", "))
	} else {
		e.Hint = here + " has no directories"
	}
	return e
}

// nearest returns up to five directories, those first that are written like name.
func nearest(name string, entries []fs.DirEntry) []string {
	var dirs []string
	for _, e := range entries {
		if e.IsDir() {
			dirs = append(dirs, e.Name())
		}
	}
	slices.SortStableFunc(dirs, func(a, b string) int { return shared(b, name) - shared(a, name) })
	if len(dirs) > 5 {
		dirs = append(dirs[:5], "…")
	}
	return dirs
}

// shared counts the letters that two names begin with.
func shared(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
