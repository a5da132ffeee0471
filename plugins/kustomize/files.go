package kustomize

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// files is the tree as kustomize wants its file system: rooted at "/", and
// read-only. It checks each kustomization that is read, edits the one to
// render, has the host fetch what others refer to by address, and remembers
// where resources were written.
type files struct {
	ctx     context.Context //nolint:containedctx // of the render, which files lives for
	tree    sdk.Tree
	host    sdk.Host
	request *sdk.RenderRequest
	options *options
	root    string // the directory to render, with symlinks followed

	links  map[string]string     // names below a kustomization that stand for files elsewhere
	made   map[string][]byte     // files that are in no tree
	rooms  map[string]bool       // directories that are in no tree
	mounts map[string]sdk.Source // directories of other sources

	chain    chain
	origins  origins
	read     []*kustomization
	texts    map[string][]byte // of other files
	found    bool              // the root has a kustomization
	warnings []string
	failed   error // the first error that kustomize must not swallow
}

var _ filesys.FileSystem = (*files)(nil)

var errReadOnly = errors.New("the repository is read-only")

func newFiles(ctx context.Context, req *sdk.RenderRequest, o *options) (*files, error) {
	sdk.Prefetch(req.Tree, directory(path.Clean(req.Path))...)
	root, info, err := req.Tree.Resolve(path.Clean(req.Path))
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s: is not a directory", req.Path)
	}
	f := &files{
		ctx: ctx, tree: req.Tree, host: req.Host, request: req, options: o, root: root,
		links: map[string]string{}, made: map[string][]byte{}, rooms: map[string]bool{}, mounts: map[string]sdk.Source{},
		origins: newOrigins(), texts: map[string][]byte{},
	}
	if f.host == nil {
		f.host = sdk.NoHost{}
	}
	if o.Version != "" {
		f.warn("kustomize.version %q is ignored: Tidelock has one version of kustomize", o.Version)
	}
	return f, nil
}

func (f *files) warn(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(f.warnings, text) {
		f.warnings = append(f.warnings, text)
	}
}

// verdict chooses the error that says most. Kustomize takes any error on a
// kustomization for its absence, so its own comes last.
func (f *files) verdict(err error) error {
	switch {
	case f.failed != nil:
		return f.failed
	case err == nil:
		return nil
	case !f.found:
		return fmt.Errorf("%s: %w: it has no kustomization.yaml", f.root, sdk.ErrNotMine)
	}
	return f.explain(err)
}

// fail remembers the first error that is not about absence.
func (f *files) fail(err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return f.failNow(err)
	}
	return err
}

// failNow remembers the first error.
func (f *files) failNow(err error) error {
	if err != nil && f.failed == nil {
		f.failed = err
	}
	return err
}

// name turns one of kustomize's paths into one of the tree.
func name(p string) string {
	p = path.Clean("/" + filepath.ToSlash(p))
	if p == "/" {
		return "."
	}
	return p[1:]
}

func rooted(n string) string { return path.Join("/", n) }

// CleanedAbs follows symlinks. It reads a file in passing, for kustomize will
// want it next, and one question to the host then serves both.
func (f *files) CleanedAbs(p string) (filesys.ConfirmedDir, string, error) {
	n := name(p)
	if f.links[n] != "" || f.made[n] != nil {
		return filesys.ConfirmedDir(rooted(path.Dir(n))), path.Base(n), nil
	}
	if f.rooms[n] {
		return filesys.ConfirmedDir(rooted(n)), "", nil
	}
	_, _ = f.tree.ReadFile(n) // ReadFile, below, tells its error
	resolved, info, err := f.tree.Resolve(n)
	if err != nil {
		return "", "", f.fail(err)
	}
	if info.IsDir() {
		return filesys.ConfirmedDir(rooted(resolved)), "", nil
	}
	f.origins.linked(n, resolved)
	return filesys.ConfirmedDir(rooted(path.Dir(resolved))), path.Base(resolved), nil
}

// ReadFile checks and edits kustomizations.
func (f *files) ReadFile(p string) ([]byte, error) {
	n := name(p)
	kustomization := slices.Contains(konfig.RecognizedKustomizationFileNames(), path.Base(n))
	if data := f.made[n]; data != nil && (!kustomization || path.Dir(n) != f.root) {
		return data, nil
	}
	data, err := f.text(n)
	if err != nil {
		return nil, f.fail(err)
	}
	if target := f.links[n]; target != "" {
		n, kustomization = target, false
	}
	if !kustomization {
		f.origins.read(n, data)
		f.texts[n] = data
		return data, nil
	}
	data, err = f.kustomization(n, data)
	return data, f.failNow(err)
}

// text returns what a file holds, wherever it is.
func (f *files) text(n string) ([]byte, error) {
	if data := f.made[n]; data != nil {
		return data, nil
	}
	if target := f.links[n]; target != "" {
		n = target
	} else if f.rooms[path.Dir(n)] && slices.Contains(konfig.RecognizedKustomizationFileNames(), path.Base(n)) {
		return nil, &fs.PathError{Op: "open", Path: n, Err: fs.ErrNotExist}
	}
	return f.tree.ReadFile(n)
}

// kustomization returns the text of a kustomization as kustomize is to see it.
func (f *files) kustomization(n string, data []byte) ([]byte, error) {
	k := &kustomization{file: n, text: data}
	f.read = append(f.read, k)
	f.chain.find(k, f.resolved)
	if err := k.check(); err != nil {
		return nil, err
	}
	f.chain.enter(k)
	sdk.Prefetch(f.tree, k.reads()...)
	instead, err := f.mount(k)
	if err != nil {
		return nil, err
	}
	f.origins.listed(k)
	isRoot := path.Dir(n) == f.root
	f.found = f.found || isRoot
	edits := isRoot && f.options.edits()
	if !edits && instead == nil && !k.inflates() && f.mountOf(n) == "" {
		return k.text, nil
	}
	content, err := k.decode()
	if err != nil {
		return nil, k.locate(err)
	}
	content.FixKustomization() // as kustomize does before it reads on
	if err := f.edit(k, content, instead); err != nil {
		return nil, err
	}
	return yaml.Marshal(content)
}

// edit changes a kustomization to what kustomize can render here.
func (f *files) edit(k *kustomization, content *types.Kustomization, instead map[string]string) error {
	if err := f.confine(k, content, instead); err != nil {
		return err
	}
	replace(content, instead)
	if path.Dir(k.file) == f.root {
		if f.options.PostRender != nil {
			content.Resources = append(content.Resources, renderedFile)
		}
		if err := f.options.apply(content, f, k); err != nil {
			return fmt.Errorf("applying the options of the Application to %s: %w", k.file, err)
		}
	}
	if content.Namespace != "" {
		k.namespace = content.Namespace
	}
	return f.inflate(k, content)
}

// resolved returns a name with symlinks followed, "" if nothing is there.
func (f *files) resolved(n string) string {
	to, _, err := f.tree.Resolve(n)
	if f.fail(err) != nil {
		return ""
	}
	return to
}

func (f *files) isFile(n string) bool {
	info, err := f.tree.Stat(n)
	return f.fail(err) == nil && !info.IsDir()
}

// IsDir, and the methods below, are the rest of kustomize's file system.
func (f *files) IsDir(p string) bool {
	info, err := f.tree.Stat(name(p))
	return f.fail(err) == nil && info.IsDir()
}

func (f *files) Exists(p string) bool {
	_, err := f.tree.Stat(name(p))
	return f.fail(err) == nil
}

func (f *files) ReadDir(p string) ([]string, error) {
	entries, err := f.tree.ReadDir(name(p))
	if err != nil {
		return nil, f.fail(err)
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

func (f *files) Glob(pattern string) ([]string, error) {
	matches, err := fs.Glob(f.tree, name(pattern))
	if err != nil {
		return nil, f.fail(err)
	}
	for i, m := range matches {
		matches[i] = rooted(m)
	}
	return matches, nil
}

func (f *files) Walk(p string, walk filepath.WalkFunc) error {
	return fs.WalkDir(f.tree, name(p), func(n string, d fs.DirEntry, err error) error {
		if err != nil {
			return walk(rooted(n), nil, f.fail(err))
		}
		info, err := d.Info()
		return walk(rooted(n), info, err)
	})
}

func (f *files) Open(p string) (filesys.File, error) {
	return nil, f.fail(&fs.PathError{Op: "open", Path: name(p), Err: errors.ErrUnsupported})
}

func (f *files) Create(string) (filesys.File, error) { return nil, errReadOnly }
func (f *files) Mkdir(string) error                  { return errReadOnly }
func (f *files) MkdirAll(string) error               { return errReadOnly }
func (f *files) RemoveAll(string) error              { return errReadOnly }
func (f *files) WriteFile(string, []byte) error      { return errReadOnly }
