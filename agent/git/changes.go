package git

import (
	"errors"
	"slices"
	"sort"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// maxChanges bounds what is compared: beyond it, asking each fact is cheaper.
const maxChanges = 10_000

// Changes are the paths at which two trees differ. They tell for most facts
// without a look that they hold: a commit changes few files, and applications
// have many inputs.
type Changes struct {
	paths []string // entries that came, went, or are another object; sorted
	ways  bool     // one of them is, or was, no file: something a link may lead through
}

// errManyChanges says that two trees have too little in common.
var errManyChanges = errors.New("too many changes")

// Compare finds where two trees of one repository differ. Of a directory on disk
// each file is read for it, once. An error says that it cannot be told, or not
// cheaply.
func Compare(from, to *Tree) (*Changes, error) {
	c := &Changes{}
	if from.root.id != to.root.id || from.Hash() == "" {
		if err := c.compare(from, to, "", &from.root, &to.root); err != nil {
			return nil, err
		}
	}
	slices.Sort(c.paths)
	return c, nil
}

// compare walks two directories of the same path side by side.
func (c *Changes) compare(from, to *Tree, path string, was, is *node) error {
	a, err := from.dir(display(path), was.id)
	if err != nil {
		return err
	}
	b, err := to.dir(display(path), is.id)
	if err != nil {
		return err
	}
	for i, j := 0, 0; i < len(a.nodes) || j < len(b.nodes); {
		switch {
		case j == len(b.nodes) || i < len(a.nodes) && a.nodes[i].name < b.nodes[j].name:
			err = c.add(join(path, a.nodes[i].name), &a.nodes[i], nil)
			i++
		case i == len(a.nodes) || a.nodes[i].name > b.nodes[j].name:
			err = c.add(join(path, b.nodes[j].name), nil, &b.nodes[j])
			j++
		default:
			err = c.entry(from, to, join(path, a.nodes[i].name), &a.nodes[i], &b.nodes[j])
			i, j = i+1, j+1
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// entry compares what two trees have at one path.
func (c *Changes) entry(from, to *Tree, path string, was, is *node) error {
	if was.kind != is.kind {
		return c.add(path, was, is)
	}
	before, err := from.objectID(path, was)
	if err != nil {
		return err
	}
	after, err := to.objectID(path, is)
	if err != nil {
		return err
	}
	switch {
	case before == after && !before.IsZero():
		return nil
	case was.kind == Directory:
		return c.compare(from, to, path, was, is)
	}
	return c.add(path, was, is)
}

// objectID is that of an entry, or what it would be of a file or link on disk; zero
// of what else is on disk.
func (t *Tree) objectID(path string, n *node) (plumbing.Hash, error) {
	switch {
	case !n.id.IsZero():
		return n.id, nil
	case n.kind == Link:
		target, err := t.source.readLink(path, n.id)
		return plumbing.ComputeHash(plumbing.BlobObject, []byte(target)), err
	case n.kind.IsFile():
		return t.source.hash(path, n.id)
	}
	return plumbing.ZeroHash, nil
}

func (c *Changes) add(path string, nodes ...*node) error {
	if len(c.paths) == maxChanges {
		return errManyChanges
	}
	c.paths = append(c.paths, path)
	for _, n := range nodes {
		c.ways = c.ways || n != nil && (n.kind == Link || n.kind == Directory || n.kind == Submodule)
	}
	return nil
}

// Paths are the entries that came, went or are others, sorted. Of a directory
// that came or went only itself is named.
func (c *Changes) Paths() []string { return slices.Clone(c.paths) }

// touched returns the facts that may not hold any more. It errs on the side of
// naming too many.
func (fs Facts) touched(c *Changes) Facts {
	if len(c.paths) < len(fs) && !fs.near(c) {
		return nil
	}
	var list Facts
	for _, f := range fs {
		if c.touch(f) {
			list = append(list, f)
		}
	}
	return list
}

// near is touched, but only whether any fact is: for few changes it is cheaper to
// look each of them up among the facts, which are sorted by path.
func (fs Facts) near(c *Changes) bool {
	for i := range fs {
		f := &fs[i]
		switch {
		case f.lost || f.ours || f.Module != "" || c.ways && f.linked(),
			f.Resolved != "" && c.above(f.Resolved),
			f.Op == OpList && c.below(f.Path, f.Resolved):
			return true
		}
	}
	for _, path := range c.paths { // those by which a fact's own path changed
		if fs.has(path) || fs.has(path+"/") {
			return true
		}
	}
	return false
}

// has reports whether a fact's path is path, or for one that ends in a slash lies
// in it.
func (fs Facts) has(path string) bool {
	i := sort.Search(len(fs), func(i int) bool { return fs[i].Path >= path })
	return i < len(fs) && (fs[i].Path == path || path[len(path)-1] == '/' && strings.HasPrefix(fs[i].Path, path))
}

// linked says whether other paths than the fact names may have led to it.
func (f Fact) linked() bool { return f.Resolved != "" || f.Error != "" }

// touch reports whether a path that a fact names changed, or one above it; or of
// a listing one in it. What a link may lead through may be on the way to any that
// is linked. In a submodule a fact is always asked, for who may read it is nothing
// that a commit says.
func (c *Changes) touch(f Fact) bool {
	return f.lost || f.ours || f.Module != "" || c.ways && f.linked() || c.above(f.Path) || f.Resolved != "" && c.above(f.Resolved) || f.Op == OpList && c.below(f.Path, f.Resolved)
}

// above reports whether path or a directory on the way to it is among the
// changes.
func (c *Changes) above(path string) bool {
	for end := 0; end < len(path); end++ {
		i := strings.IndexByte(path[end:], '/')
		if i < 0 {
			return c.has(path)
		}
		if end += i; c.has(path[:end]) {
			return true
		}
	}
	return false
}

func (c *Changes) has(path string) bool {
	_, ok := slices.BinarySearch(c.paths, path)
	return ok
}

// below reports whether something in a listed directory changed.
func (c *Changes) below(path, resolved string) bool {
	if resolved != "" {
		path = resolved
	}
	if path == "." {
		return len(c.paths) > 0
	}
	prefix := path + "/"
	i := sort.SearchStrings(c.paths, prefix)
	return i < len(c.paths) && strings.HasPrefix(c.paths[i], prefix)
}

// HoldAfter is Hold for a tree that differs from one on which the facts did hold
// by the given changes.
func (fs Facts) HoldAfter(c *Changes, tree *Tree) bool {
	return fs.touched(c).Hold(tree)
}
