package git

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// An Op is a way to read a tree.
type Op string

// The reads that make facts.
const (
	OpRead   Op = "read"
	OpList   Op = "list"
	OpStat   Op = "stat"
	OpLookup Op = "lookup"
)

// A Fact is one read and what came of it: enough to tell, without the first
// tree, whether another tree answers the same.
type Fact struct {
	Op       Op     `json:"op"`
	Path     string `json:"path"`
	Resolved string `json:"resolved,omitempty"` // where it ended, if links led elsewhere
	Kind     Kind   `json:"kind,omitempty"`     // stat, lookup
	Hash     string `json:"hash,omitempty"`     // read, lookup: object id of the content; list: of names and types
	Size     int64  `json:"size,omitempty"`     // stat of a file
	Error    string `json:"error,omitempty"`    // why nothing could be read
	// Module is the submodule that the path lies in, and the commit of it: path@sha.
	Module string `json:"module,omitempty"`

	lost bool // errUnreadable: says nothing about the commit
	ours bool // whether it could be read depends on our settings, too
}

// factOf is the fact that op on path ended at a place, with what it found there.
func factOf(op Op, path string, at place, listing *dir, err error) Fact {
	f := Fact{Op: op, Path: path, Module: at.module}
	if at.path != path {
		f.Resolved = at.path
	}
	if err != nil {
		f.Error = err.Error()
		f.lost = errors.Is(err, errUnreadable)
		f.ours = errors.Is(err, ErrLFS) || errors.Is(err, ErrSubmodule)
		return f
	}
	switch op {
	case OpRead:
		f.Hash = hexOf(at.hash)
	case OpList:
		f.Hash = listing.sum()
	case OpStat:
		f.Kind, f.Size = at.kind(), at.size
	case OpLookup:
		f.Kind, f.Hash = at.kind(), hexOf(at.hash)
	}
	return f
}

// String prints the fact on one line.
func (f Fact) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-6s %s", f.Op, f.Path)
	if f.Resolved != "" {
		fmt.Fprintf(&b, " -> %s", f.Resolved)
	}
	if f.Module != "" {
		fmt.Fprintf(&b, " in %s", f.Module)
	}
	if f.Error != "" {
		fmt.Fprintf(&b, " error=%q", f.Error)
	}
	if f.Kind != "" {
		fmt.Fprintf(&b, " %s", f.Kind)
	}
	if f.Hash != "" {
		fmt.Fprintf(&b, " %s", f.Hash)
	}
	if f.Op == OpStat && f.Kind.IsFile() {
		fmt.Fprintf(&b, " %d bytes", f.Size)
	}
	return b.String()
}

// Facts are what a render depends on: each read once, sorted by path.
type Facts []Fact

func (fs Facts) sorted() Facts {
	slices.SortFunc(fs, func(a, b Fact) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Op, b.Op))
	})
	return fs
}

// String prints one fact a line.
func (fs Facts) String() string {
	var b strings.Builder
	for _, f := range fs {
		fmt.Fprintln(&b, f)
	}
	return b.String()
}

// Lasting reports whether the facts mean in another process what they mean in this
// one: all but those of trouble with the disk, and of what our settings forbid.
func (fs Facts) Lasting() bool {
	return !slices.ContainsFunc(fs, func(f Fact) bool { return f.lost || f.ours })
}

// Hold reports whether all the reads would give on tree what they gave before.
func (fs Facts) Hold(tree *Tree) bool {
	_, broken := fs.Broken(tree)
	return !broken
}

// Broken returns the first fact that tree does not confirm.
func (fs Facts) Broken(tree *Tree) (Fact, bool) {
	for _, f := range fs {
		if !f.holds(tree) {
			return f, true
		}
	}
	return Fact{}, false
}

// holds repeats the read as cheaply as its answer can be known: contents are
// compared by hash, and read only if reading them failed before.
func (f Fact) holds(tree *Tree) bool {
	if f.lost {
		return false
	}
	// Whether another submodule has the same files is not worth fetching it.
	if tree.listsModules() {
		if at, err := tree.resolveBy(f.Path, &f.Module); errors.Is(err, errOtherModule) || at.module != f.Module {
			return false
		}
	}
	now, err := f.again(tree)
	return err == nil && now == f
}

func (f Fact) again(tree *Tree) (Fact, error) {
	var at place
	var d *dir
	var err error
	switch {
	case f.Op == OpList:
		at, d, err = tree.list(f.Path)
	case f.Op == OpStat:
		at, err = tree.stat(f.Path)
	case f.Op == OpLookup:
		at, err = tree.lookup(f.Path)
	case f.Op == OpRead && f.Error == "":
		at, err = tree.peek(f.Path)
	case f.Op == OpRead:
		_, at, err = tree.read(f.Path)
	default:
		return Fact{}, fmt.Errorf("unknown operation %q", f.Op)
	}
	return factOf(f.Op, f.Path, at, d, err), nil
}
