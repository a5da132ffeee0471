package git

import (
	"bytes"
	"errors"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

const (
	maxCommit = 1 << 20  // bytes of a commit or tag object
	maxTree   = 16 << 20 // bytes of a tree object
	maxTarget = 4096     // bytes of a link's target, as in Linux
)

// commit is a source: one commit of a mirror. Decoded directories are shared
// with all other commits of the mirror, so a new commit costs what it changed.
type commit struct {
	mirror *mirror
	sha    plumbing.Hash
	tree   plumbing.Hash
}

func (c *commit) revision() string    { return c.sha.String() }
func (c *commit) root() plumbing.Hash { return c.tree }

func (c *commit) readDir(path string, id plumbing.Hash, limit int) (*dir, error) {
	if d, ok := c.mirror.dirs.get(id); ok {
		return d, nil
	}
	raw, err := c.mirror.read(id, plumbing.TreeObject, maxTree)
	if err != nil {
		return nil, oversized(path, err)
	}
	d, err := decodeDir(path, raw, limit)
	if err != nil {
		return nil, err
	}
	return c.mirror.dirs.put(id, d), nil
}

// decodeDir decodes a tree object. Names that are no names (a server may send
// anything) and a .git are refused, so that nobody joins them to a path.
func decodeDir(path string, raw []byte, limit int) (*dir, error) {
	o := new(plumbing.MemoryObject)
	o.SetType(plumbing.TreeObject)
	if _, err := o.Write(raw); err != nil {
		return nil, err
	}
	var t object.Tree
	if err := t.Decode(o); err != nil {
		return nil, failf(ErrMalformed, "directory %s: %v", path, err)
	}
	if len(t.Entries) > limit {
		return nil, tooMany(path, limit)
	}
	nodes := make([]node, len(t.Entries))
	for i, e := range t.Entries {
		if e.Name == "" || e.Name == "." || e.Name == ".." || strings.ContainsAny(e.Name, "/\x00") || strings.EqualFold(e.Name, ".git") {
			return nil, failf(ErrMalformed, "directory %s: forbidden name %q", path, e.Name)
		}
		nodes[i] = node{name: e.Name, kind: kindOf(e.Mode), id: e.Hash}
	}
	return newDir(nodes), nil
}

func kindOf(m filemode.FileMode) Kind {
	switch m {
	case filemode.Dir:
		return Directory
	case filemode.Symlink:
		return Link
	case filemode.Submodule:
		return Submodule
	case filemode.Executable:
		return Executable
	default:
		return File
	}
}

func (c *commit) readFile(path string, id plumbing.Hash, limit int64) ([]byte, plumbing.Hash, error) {
	content, err := c.mirror.read(id, plumbing.BlobObject, limit)
	return content, id, oversized(path, err)
}

func (c *commit) readLink(path string, id plumbing.Hash) (string, error) {
	content, err := c.mirror.read(id, plumbing.BlobObject, maxTarget)
	return string(content), oversized(path, err)
}

func (c *commit) size(_ string, id plumbing.Hash) (int64, error) { return c.mirror.size(id) }

func (c *commit) hash(_ string, id plumbing.Hash) (plumbing.Hash, error) { return id, nil }

func oversized(path string, err error) error {
	var o *oversize
	if errors.As(err, &o) {
		return tooLarge(path, o.size, o.limit)
	}
	return err
}

// commitTree returns the root tree of a commit.
func commitTree(raw []byte) (plumbing.Hash, error) {
	line, _, _ := bytes.Cut(raw, []byte{'\n'})
	name, ok := strings.CutPrefix(string(line), "tree ")
	if !ok || !plumbing.IsHash(name) {
		return plumbing.ZeroHash, errors.New("commit object without a tree")
	}
	return plumbing.NewHash(name), nil
}

// tagTarget returns the object that an annotated tag points to.
func tagTarget(raw []byte) (plumbing.Hash, error) {
	line, _, _ := bytes.Cut(raw, []byte{'\n'})
	name, ok := strings.CutPrefix(string(line), "object ")
	if !ok || !plumbing.IsHash(name) {
		return plumbing.ZeroHash, errors.New("tag object without a target")
	}
	return plumbing.NewHash(name), nil
}
