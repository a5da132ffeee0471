package sdktest

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing/fstest"

	"golang.org/x/tools/txtar"

	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// Tree is a tree in memory, for tests. Errors is what a name gives instead of a
// file.
type Tree struct {
	fstest.MapFS
	Links  map[string]string // symlinks, by name; targets are relative to the root
	Errors map[string]error
}

var _ sdk.Tree = (*Tree)(nil)

// ParseTree reads a tree from a txtar archive. A file whose name ends in " ->
// TARGET" is a symlink.
func ParseTree(archive string) *Tree {
	return TreeOf(txtar.Parse([]byte(archive)).Files)
}

// TreeOf makes a tree of the files of an archive.
func TreeOf(files []txtar.File) *Tree {
	t := &Tree{MapFS: fstest.MapFS{}, Links: map[string]string{}, Errors: map[string]error{}}
	for _, f := range files {
		if name, target, ok := strings.Cut(f.Name, " -> "); ok {
			t.Links[name] = target
			continue
		}
		t.MapFS[f.Name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
	}
	return t
}

var errLoop = errors.New("too many levels of symlinks")

// follow resolves the symlinks in a name.
func (t *Tree) follow(name string) (string, error) {
	if err := t.Errors[name]; err != nil {
		return "", &fs.PathError{Op: "open", Path: name, Err: err}
	}
	for range 40 {
		link, ok := t.link(name)
		if !ok {
			return name, nil
		}
		name = path.Join(t.Links[link], strings.TrimPrefix(name, link))
	}
	return "", &fs.PathError{Op: "open", Path: name, Err: errLoop}
}

func (t *Tree) link(name string) (string, bool) {
	for link := range t.Links {
		if name == link || strings.HasPrefix(name, link+"/") {
			return link, true
		}
	}
	return "", false
}

// Open, and the methods below, are those of sdk.Tree.
func (t *Tree) Open(name string) (fs.File, error) {
	name, err := t.follow(name)
	if err != nil {
		return nil, err
	}
	return t.MapFS.Open(name)
}

func (t *Tree) ReadFile(name string) ([]byte, error) {
	name, err := t.follow(name)
	if err != nil {
		return nil, err
	}
	return t.MapFS.ReadFile(name)
}

func (t *Tree) ReadDir(name string) ([]fs.DirEntry, error) {
	name, err := t.follow(name)
	if err != nil {
		return nil, err
	}
	entries, err := t.MapFS.ReadDir(name)
	for link := range t.Links {
		if path.Dir(link) == name {
			entries = append(entries, linkEntry(path.Base(link)))
		}
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err
}

func (t *Tree) Stat(name string) (fs.FileInfo, error) {
	_, info, err := t.Resolve(name)
	return info, err
}

func (t *Tree) Resolve(name string) (string, fs.FileInfo, error) {
	name, err := t.follow(name)
	if err != nil {
		return "", nil, err
	}
	info, err := t.MapFS.Stat(name)
	return name, info, err
}

// linkEntry is a symlink in a listing.
type linkEntry string

func (l linkEntry) Name() string               { return string(l) }
func (l linkEntry) IsDir() bool                { return false }
func (l linkEntry) Type() fs.FileMode          { return fs.ModeSymlink }
func (l linkEntry) Info() (fs.FileInfo, error) { return nil, fs.ErrInvalid }
