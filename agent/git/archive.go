package git

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// A Member is one file of an archive.
type Member struct {
	Name    string // as in fs.ValidPath
	Kind    Kind   // File, Executable or Link; "" is File
	Content []byte // of a link its target
}

// size is what the member takes in memory, roughly.
func (m Member) size() int64 { return int64(len(m.Content)+len(m.Name)) + 64 }

// Archive returns the tree of files that came as one archive, such as a chart
// or an artifact of a registry. Revision is its version or digest. Object ids
// are what Git would give the files, so that facts of a commit hold on an
// archive with equal files. The contents are kept, and must not be changed.
//
// A name that leaves the archive, comes twice or is both a file and a directory
// is an error. What the archive may cost is for the caller to bound.
func Archive(revision string, members []Member) (*Tree, error) {
	a := &archive{version: revision, dirs: map[string]*dir{}, files: map[string][]byte{}}
	listed := map[string][]node{"": nil}
	for _, m := range members {
		if err := a.add(m, listed); err != nil {
			return nil, err
		}
	}
	id, err := a.seal(listed)
	if err != nil {
		return nil, err
	}
	a.top = id
	return newTree(a, Limits{}), nil
}

// Size is roughly what an archive's tree takes in memory, in bytes; 0 for trees
// that keep no content.
func (t *Tree) Size() int64 {
	if a, ok := t.source.(*archive); ok {
		return a.bytes
	}
	return 0
}

// archive is a source.
type archive struct {
	version string
	top     plumbing.Hash
	dirs    map[string]*dir
	files   map[string][]byte
	bytes   int64
}

func (a *archive) add(m Member, listed map[string][]node) error {
	if !fs.ValidPath(m.Name) || m.Name == "." {
		return fmt.Errorf("%w: the archive has a file named %q", ErrMalformed, m.Name)
	}
	if _, twice := a.files[m.Name]; twice {
		return fmt.Errorf("%w: the archive has %s twice", ErrMalformed, m.Name)
	}
	a.files[m.Name], a.bytes = m.Content, a.bytes+m.size()
	parent, base := parentOf(m.Name)
	listed[parent] = append(listed[parent], node{
		name: base, kind: cmp.Or(m.Kind, File),
		id: plumbing.ComputeHash(plumbing.BlobObject, m.Content), size: int64(len(m.Content)) + 1,
	})
	for dir := parent; dir != ""; {
		up, base := parentOf(dir)
		if listed[up] != nil && slices.ContainsFunc(listed[up], func(n node) bool { return n.name == base && n.kind == Directory }) {
			break
		}
		listed[up] = append(listed[up], node{name: base, kind: Directory})
		dir = up
	}
	return nil
}

// parentOf returns the directory, "" for the root, and the last part of a name.
func parentOf(name string) (dir, base string) {
	if dir = path.Dir(name); dir == "." {
		dir = ""
	}
	return dir, path.Base(name)
}

// seal makes directories of listings, the deepest first, and returns the id of
// the root.
func (a *archive) seal(listed map[string][]node) (plumbing.Hash, error) {
	names := make([]string, 0, len(listed))
	for name := range listed {
		names = append(names, name)
	}
	slices.SortFunc(names, func(x, y string) int {
		return cmp.Or(strings.Count(y, "/")-strings.Count(x, "/"), len(y)-len(x), strings.Compare(x, y))
	})
	ids := map[string]plumbing.Hash{}
	for _, name := range names {
		nodes := listed[name]
		for i, n := range nodes {
			if n.kind == Directory {
				at := join(name, n.name)
				if _, file := a.files[at]; file {
					return plumbing.ZeroHash, fmt.Errorf("%w: the archive has %s as a file and as a directory", ErrMalformed, at)
				}
				nodes[i].id = ids[at]
			}
		}
		ids[name] = plumbing.ComputeHash(plumbing.TreeObject, encodeTree(nodes))
		a.dirs[display(name)] = newDir(nodes)
	}
	return ids[""], nil
}

// encodeTree writes a directory as Git stores it, sorted as if directories ended
// with a slash.
func encodeTree(nodes []node) []byte {
	sorted := slices.Clone(nodes)
	key := func(n node) string {
		if n.kind == Directory {
			return n.name + "/"
		}
		return n.name
	}
	slices.SortFunc(sorted, func(x, y node) int { return strings.Compare(key(x), key(y)) })
	var b bytes.Buffer
	for _, n := range sorted {
		fmt.Fprintf(&b, "%o %s\x00", uint32(modeOf(n.kind)), n.name)
		b.Write(n.id[:])
	}
	return b.Bytes()
}

func modeOf(k Kind) filemode.FileMode {
	switch k {
	case Executable:
		return filemode.Executable
	case Link:
		return filemode.Symlink
	case Directory:
		return filemode.Dir
	default:
		return filemode.Regular
	}
}

func (a *archive) revision() string    { return a.version }
func (a *archive) root() plumbing.Hash { return a.top }

func (a *archive) readDir(name string, _ plumbing.Hash, limit int) (*dir, error) {
	d := a.dirs[name]
	if d == nil {
		return nil, errNoMember
	}
	if len(d.nodes) > limit {
		return nil, tooMany(name, limit)
	}
	return d, nil
}

// errNoMember cannot happen: paths come from the listings.
var errNoMember = errors.New("not in the archive")

func (a *archive) readFile(name string, id plumbing.Hash, limit int64) ([]byte, plumbing.Hash, error) {
	content := a.files[name]
	if int64(len(content)) > limit {
		return nil, id, tooLarge(name, int64(len(content)), limit)
	}
	return bytes.Clone(content), id, nil
}

func (a *archive) readLink(name string, _ plumbing.Hash) (string, error) {
	return string(a.files[name]), nil
}

func (a *archive) size(name string, _ plumbing.Hash) (int64, error) {
	return int64(len(a.files[name])), nil
}

func (a *archive) hash(_ string, id plumbing.Hash) (plumbing.Hash, error) { return id, nil }
