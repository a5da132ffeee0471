package git

import (
	"io/fs"
	"sync/atomic"

	"github.com/go-git/go-git/v5/plumbing"
)

// A Tree is the files of one commit, of an archive (see Archive), or of a
// directory on disk (see Dir), read-only. Names are relative to the root, separated by slashes, as
// fs.ValidPath wants them. Symbolic links are followed inside the tree and
// nowhere else. A Tree is safe for concurrent use, and keeps no file contents.
type Tree struct {
	source source
	limits Limits
	root   node
	reach  *reach // beyond it; nil for nowhere
}

func newTree(from source, limits Limits) *Tree {
	return &Tree{source: from, limits: limits.orDefault(), root: node{kind: Directory, id: from.root()}}
}

var (
	_ fs.ReadFileFS = (*Tree)(nil)
	_ fs.ReadDirFS  = (*Tree)(nil)
	_ fs.StatFS     = (*Tree)(nil)
)

// Limits bound what one read may cost. A zero field means the default.
type Limits struct {
	FileSize int64 // bytes of one file; default 32 MiB
	Entries  int   // entries of one directory; default 100,000
}

func (l Limits) orDefault() Limits {
	if l.FileSize == 0 {
		l.FileSize = 32 << 20
	}
	if l.Entries == 0 {
		l.Entries = 100_000
	}
	return l
}

// A source is where a tree's bytes come from. Paths are resolved: no component
// is a link. Errors other than ErrTooLarge are trouble below the tree.
type source interface {
	revision() string
	root() plumbing.Hash
	readDir(path string, id plumbing.Hash, limit int) (*dir, error)
	// readFile also returns the object id of the content, as Git computes it.
	readFile(path string, id plumbing.Hash, limit int64) ([]byte, plumbing.Hash, error)
	readLink(path string, id plumbing.Hash) (string, error)
	size(path string, id plumbing.Hash) (int64, error)
	hash(path string, id plumbing.Hash) (plumbing.Hash, error)
}

// Revision returns the commit's full SHA in hex, the version or digest of an
// archive, "" for a directory on disk.
func (t *Tree) Revision() string { return t.source.revision() }

// Hash returns the object id of the root tree in hex: equal hashes, equal
// files. It is "" for a directory on disk, which is read only as it is asked for.
func (t *Tree) Hash() string {
	return hexOf(t.root.id)
}

// String names the tree in messages.
func (t *Tree) String() string {
	switch r := t.Revision(); {
	case r == "":
		return "directory"
	case fullSHA.MatchString(r):
		return "commit " + r[:7]
	default:
		return "version " + r
	}
}

// ReadFile returns the content of the file that name leads to.
func (t *Tree) ReadFile(name string) ([]byte, error) {
	content, _, err := t.read(name)
	return content, within("read", name, err)
}

// ReadDir lists the directory that name leads to, sorted by name. Links are
// listed as links.
func (t *Tree) ReadDir(name string) ([]fs.DirEntry, error) {
	at, d, err := t.list(name)
	if err != nil {
		return nil, within("readdir", name, err)
	}
	return entriesOf(t, at, d), nil
}

// Stat describes what name leads to, following links.
func (t *Tree) Stat(name string) (fs.FileInfo, error) {
	at, err := t.stat(name)
	if err != nil {
		return nil, within("stat", name, err)
	}
	return infoOf(name, at), nil
}

// Open opens a file or directory. A file is read whole at once.
func (t *Tree) Open(name string) (fs.File, error) {
	return open(t, name)
}

// read returns a file's content and where it was found.
func (t *Tree) read(name string) ([]byte, place, error) {
	at, err := t.resolve(name)
	if err != nil {
		return nil, at, err
	}
	if at.node.kind == Directory {
		return nil, at, failf(ErrIsDir, "%s is a directory, not a file", at.path)
	}
	content, hash, err := at.tree.source.readFile(at.path, at.node.id, t.limits.FileSize)
	if err != nil {
		return nil, at, t.broken(at.path, err)
	}
	at.hash = hash
	if isPointer(content) {
		content, err = at.tree.follow(at.path, content)
	}
	return content, at, err
}

// peek is read without the content: a file that was read once needs no more.
func (t *Tree) peek(name string) (at place, err error) {
	at, err = t.resolve(name)
	if err == nil && at.node.kind.IsFile() {
		at.hash, err = t.hashOf(at)
	}
	return at, err
}

// list returns a directory and where it was found.
func (t *Tree) list(name string) (place, *dir, error) {
	at, err := t.resolve(name)
	if err != nil {
		return at, nil, err
	}
	if at.node.kind != Directory {
		return at, nil, failf(ErrNotDir, "%s is a file, not a directory", at.path)
	}
	d, err := at.tree.dir(at.path, at.node.id)
	return at, d, err
}

// stat resolves name and learns the size of a file; of one that Git LFS keeps it
// is that of its pointer.
func (t *Tree) stat(name string) (place, error) {
	at, err := t.resolve(name)
	if err != nil || !at.node.kind.IsFile() {
		return at, err
	}
	at.size, err = at.tree.sizeOf(at.path, at.node)
	return at, err
}

func (t *Tree) hashOf(at place) (plumbing.Hash, error) {
	hash, err := at.tree.source.hash(at.path, at.node.id)
	if err != nil {
		return hash, t.broken(at.path, err)
	}
	return hash, nil
}

func (t *Tree) sizeOf(path string, n *node) (int64, error) {
	if known := atomic.LoadInt64(&n.size); known > 0 {
		return known - 1, nil
	}
	size, err := t.source.size(path, n.id)
	if err != nil {
		return 0, t.broken(path, err)
	}
	atomic.StoreInt64(&n.size, size+1)
	return size, nil
}

func (t *Tree) dir(path string, id plumbing.Hash) (*dir, error) {
	d, err := t.source.readDir(path, id, t.limits.Entries)
	if err != nil {
		return nil, t.broken(path, err)
	}
	return d, nil
}
