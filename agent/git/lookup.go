package git

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// An Entry is what a name leads to.
type Entry struct {
	Path string // where it really is, after links: "." for the root
	Kind Kind
	Hash string // object id of a file's content, in hex; "" for directories
	Size int64  // of a file, in bytes
}

// Lookup follows name through links to what it leads to. With an error the
// entry is Absent and its Path is where the way ended.
func (t *Tree) Lookup(name string) (Entry, error) {
	at, err := t.lookup(name)
	return at.entry(err), within("lookup", name, err)
}

// A place is where resolving a name ended.
type place struct {
	path string
	node *node         // nil if nothing is there
	hash plumbing.Hash // of a file, when lookup was asked
	size int64         // of a file, when stat or lookup was asked

	tree   *Tree  // that the node is of: a submodule's, if module says so
	module string // the first submodule on the way, and its commit; "" if there is none
}

func (p place) entry(err error) Entry {
	if err != nil {
		return Entry{Path: p.path, Kind: Absent}
	}
	return Entry{Path: p.path, Kind: p.kind(), Hash: hexOf(p.hash), Size: p.size}
}

// hexOf prints an object id, the zero one as "".
func hexOf(h plumbing.Hash) string {
	if h.IsZero() {
		return ""
	}
	return h.String()
}

func (p place) kind() Kind {
	if p.node == nil {
		return Absent
	}
	return p.node.kind
}

// lookup is stat that also learns the hash of a file.
func (t *Tree) lookup(name string) (place, error) {
	at, err := t.stat(name)
	if err != nil || !at.node.kind.IsFile() {
		return at, err
	}
	at.hash, err = t.hashOf(at)
	return at, err
}

// resolve walks name from the root, one component at a time, as a kernel would
// in a file system that holds this tree and nothing else.
func (t *Tree) resolve(name string) (place, error) { return t.resolveBy(name, nil) }

// resolveBy is resolve that enters no other submodule first than one, if that is
// not nil.
func (t *Tree) resolveBy(name string, module *string) (place, error) {
	if !fs.ValidPath(name) {
		return place{path: name, tree: t}, fs.ErrInvalid
	}
	w := walk{only: module, above: make([]step, 0, 8), todo: make([]leg, 0, 4)}
	if err := w.enter(t, "", &t.root, ""); err != nil {
		return place{path: ".", tree: t}, err
	}
	at, err := w.to(name)
	at.tree, at.module = w.here().tree, w.module
	return at, err
}

// A walk stands in a directory of the tree and has some way to go.
type walk struct {
	above  []step // from the root to here
	todo   []leg  // the last one comes first
	links  int
	module string  // the first submodule that was come to, and its commit
	only   *string // which that has to be
}

type step struct {
	tree  *Tree
	path  string
	node  *node
	dir   *dir
	mount string // where the tree begins: "", or the path of a submodule
}

// A leg is a piece of the way: the name itself, or what a link put in its place.
type leg struct {
	rest string
	from link
}

func (w *walk) here() step { return w.above[len(w.above)-1] }

func (w *walk) enter(t *Tree, path string, n *node, mount string) error {
	d, err := t.dir(display(path), n.id)
	if err != nil {
		return err
	}
	w.above = append(w.above, step{t, path, n, d, mount})
	return nil
}

// cross goes into a submodule.
func (w *walk) cross(path string, n *node) error {
	here := w.here()
	if w.module == "" && here.tree.hasModules() {
		w.module = path + "@" + n.id.String()
	}
	if w.only != nil && *w.only != w.module {
		return errOtherModule
	}
	within := strings.TrimPrefix(strings.TrimPrefix(path, here.mount), "/")
	t, err := here.tree.module(path, within, n.id)
	if err != nil {
		return err
	}
	return w.enter(t, path, &t.root, path)
}

// errOtherModule ends a walk that only asks whether a submodule is as it was.
var errOtherModule = errors.New("another submodule, or another commit of it")

// next returns the next component and the link that it comes from.
func (w *walk) next() (name string, from link, ok bool) {
	for len(w.todo) > 0 {
		l := &w.todo[len(w.todo)-1]
		if l.rest == "" {
			w.todo = w.todo[:len(w.todo)-1]
			continue
		}
		name, l.rest, _ = strings.Cut(l.rest, "/")
		return name, l.from, true
	}
	return "", link{}, false
}

func (w *walk) more() bool {
	for _, l := range w.todo {
		if l.rest != "" {
			return true
		}
	}
	return false
}

// to goes along name from the root.
func (w *walk) to(name string) (place, error) {
	w.todo = append(w.todo, leg{rest: name})
	for {
		name, from, ok := w.next()
		if !ok {
			return place{path: display(w.here().path), node: w.here().node}, nil
		}
		switch name {
		case "", ".":
			continue
		case "..":
			if err := w.up(from); err != nil {
				return place{path: from.at}, err
			}
			continue
		}
		if end, done, err := w.pass(name); done || err != nil {
			return end, err
		}
	}
}

// pass goes through one component; it is done where there is no way further.
func (w *walk) pass(name string) (at place, done bool, err error) {
	here := w.here()
	n := here.dir.find(name)
	at = place{path: join(here.path, name), node: n}
	switch {
	case n == nil:
		err = failf(ErrPath, "%s does not exist", at.path)
	case n.kind == Submodule:
		err = w.cross(at.path, n)
	case n.kind == Link:
		err = w.follow(at.path, n)
	case n.kind == Directory:
		err = w.enter(here.tree, at.path, n, here.mount)
	case w.more():
		err = failf(ErrNotDir, "%s is a file, not a directory", at.path)
	default:
		done = true
	}
	return at, done, err
}

// join is path.Join for what is clean already.
func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}

func display(path string) string {
	if path == "" {
		return "."
	}
	return path
}

// broken turns an error of the source into one of the tree.
func (t *Tree) broken(path string, err error) error {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	return unreadable(path, err)
}
