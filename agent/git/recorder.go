package git

import (
	"errors"
	"io/fs"
	"sync"
)

// A Recorder reads a Tree and notes each read, failures and absent paths
// included, as a Fact. It is safe for concurrent use.
type Recorder struct {
	tree *Tree

	mu    sync.Mutex
	facts map[read]Fact
}

// A read is what was asked. On one tree it always has the same answer.
type read struct {
	op   Op
	path string
}

var _ reader = (*Recorder)(nil)

// NewRecorder returns a Recorder over tree that has noted nothing yet.
func NewRecorder(tree *Tree) *Recorder {
	return &Recorder{tree: tree, facts: map[read]Fact{}}
}

// Facts returns what was read so far, each read once, sorted.
func (r *Recorder) Facts() Facts {
	r.mu.Lock()
	defer r.mu.Unlock()
	facts := make(Facts, 0, len(r.facts))
	for _, f := range r.facts {
		facts = append(facts, f)
	}
	return facts.sorted()
}

// ReadFile is Tree.ReadFile; the fact is the content.
func (r *Recorder) ReadFile(name string) ([]byte, error) {
	content, at, err := r.tree.read(name)
	r.note(factOf(OpRead, name, at, nil, err), err)
	return content, within("read", name, err)
}

// ReadDir is Tree.ReadDir; the fact is the names and types in the directory.
func (r *Recorder) ReadDir(name string) ([]fs.DirEntry, error) {
	at, d, err := r.tree.list(name)
	r.note(factOf(OpList, name, at, d, err), err)
	if err != nil {
		return nil, within("readdir", name, err)
	}
	return entriesOf(r, at, d), nil
}

// Stat is Tree.Stat; the fact is the kind and the size, not the content.
func (r *Recorder) Stat(name string) (fs.FileInfo, error) {
	at, err := r.tree.stat(name)
	r.note(factOf(OpStat, name, at, nil, err), err)
	if err != nil {
		return nil, within("stat", name, err)
	}
	return infoOf(name, at), nil
}

// Lookup is Tree.Lookup; the fact is all of the entry.
func (r *Recorder) Lookup(name string) (Entry, error) {
	at, err := r.tree.lookup(name)
	r.note(factOf(OpLookup, name, at, nil, err), err)
	return at.entry(err), within("lookup", name, err)
}

// Open is Tree.Open. Of a file it notes the content, of a directory that it is
// one, and its listing once that is read.
func (r *Recorder) Open(name string) (fs.File, error) {
	return open(r, name)
}

func (r *Recorder) note(f Fact, err error) {
	if errors.Is(err, fs.ErrInvalid) {
		return // no path at all: the same on every tree
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.facts[read{f.Op, f.Path}] = f
}
