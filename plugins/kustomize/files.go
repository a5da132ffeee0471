package kustomize

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// files is the tree as kustomize wants its file system: rooted at "/", and
// read-only. It checks each kustomization that is read, edits the one to
// render, and remembers where resources were written.
type files struct {
	tree    sdk.Tree
	options *options
	env     map[string]string
	root    string // the directory to render, with symlinks followed

	origins  origins
	read     []*kustomization
	texts    map[string][]byte // of other files
	found    bool              // the root has a kustomization
	warnings []string
	failed   error // the first error that kustomize must not swallow
}

var _ filesys.FileSystem = (*files)(nil)

var errReadOnly = errors.New("the repository is read-only")

func newFiles(req *sdk.RenderRequest, o *options) (*files, error) {
	sdk.Prefetch(req.Tree, directory(path.Clean(req.Path))...)
	root, info, err := req.Tree.Resolve(path.Clean(req.Path))
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s: is not a directory", req.Path)
	}
	f := &files{tree: req.Tree, options: o, env: req.Env, root: root, origins: newOrigins(), texts: map[string][]byte{}}
	if o.Version != "" {
		f.warnings = append(f.warnings, fmt.Sprintf("kustomize.version %q is ignored: Tidelock has one version of kustomize", o.Version))
	}
	return f, nil
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
	if err != nil && f.failed == nil && !errors.Is(err, fs.ErrNotExist) {
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

// CleanedAbs follows symlinks. It reads a file in passing, for kustomize will
// want it next, and one question to the host then serves both.
func (f *files) CleanedAbs(p string) (filesys.ConfirmedDir, string, error) {
	n := name(p)
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

func rooted(n string) string { return path.Join("/", n) }

// ReadFile checks and edits kustomizations.
func (f *files) ReadFile(p string) ([]byte, error) {
	n := name(p)
	data, err := f.tree.ReadFile(n)
	if err != nil {
		return nil, f.fail(err)
	}
	if !slices.Contains(konfig.RecognizedKustomizationFileNames(), path.Base(n)) {
		f.origins.read(n, data)
		f.texts[n] = data
		return data, nil
	}
	k, err := check(n, data)
	if err != nil {
		return nil, f.fail(err)
	}
	f.read = append(f.read, k)
	f.origins.listed(k)
	sdk.Prefetch(f.tree, k.reads()...)
	if path.Dir(n) != f.root {
		return data, nil
	}
	f.found = true
	data, err = f.edit(k)
	return data, f.fail(err)
}

// edit applies the options.
func (f *files) edit(k *kustomization) ([]byte, error) {
	if f.options.empty() {
		return k.text, nil
	}
	content, err := k.decode()
	if err != nil {
		return nil, err
	}
	if err := f.options.apply(content, f); err != nil {
		return nil, fmt.Errorf("applying the options of the Application to %s: %w", k.file, err)
	}
	return yaml.Marshal(content)
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
