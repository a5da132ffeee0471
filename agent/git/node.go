package git

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
)

// A Kind says what an entry of a tree is.
type Kind string

// The kinds. Lookup and Stat follow links, so they answer with file, executable,
// directory or absent; listings have all but absent.
const (
	Absent     Kind = "absent"
	File       Kind = "file"
	Executable Kind = "executable"
	Directory  Kind = "directory"
	Link       Kind = "link"
	Submodule  Kind = "submodule"
)

// IsFile reports whether k is a regular file, executable or not.
func (k Kind) IsFile() bool { return k == File || k == Executable }

// Mode returns k as io/fs has it. A submodule is irregular: neither file nor
// directory, so that nobody tries to open it.
func (k Kind) Mode() fs.FileMode {
	switch k {
	case Executable:
		return 0o555
	case Directory:
		return fs.ModeDir | 0o555
	case Link:
		return fs.ModeSymlink | 0o777
	case Submodule:
		return fs.ModeIrregular
	default:
		return 0o444
	}
}

// A node is one entry of a directory, as it stands there: links are not followed.
type node struct {
	name string
	kind Kind
	id   plumbing.Hash // of the object; zero in a directory on disk
	size int64         // of a file plus one, 0 while unknown; atomic
}

// A dir is one decoded directory: immutable but for the sizes it learns.
type dir struct {
	nodes []node // by name, in byte order
	sum   func() string
}

// newDir owns nodes. Git takes any bytes for a name, io/fs and protobuf only
// UTF-8: other names get U+FFFD in the place of what is not.
func newDir(nodes []node) *dir {
	for i := range nodes {
		nodes[i].name = strings.ToValidUTF8(nodes[i].name, "\uFFFD")
	}
	slices.SortFunc(nodes, func(a, b node) int { return cmp.Compare(a.name, b.name) })
	d := &dir{nodes: nodes}
	d.sum = sync.OnceValue(d.digest)
	return d
}

// digest identifies names and types, and nothing else: what a listing shows.
// Whether a file is executable takes an Info to see.
func (d *dir) digest() string {
	h := sha256.New()
	for i := range d.nodes {
		kind := d.nodes[i].kind
		if kind == Executable {
			kind = File
		}
		h.Write([]byte(kind))
		h.Write([]byte{' '})
		h.Write([]byte(d.nodes[i].name))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:20])
}

func (d *dir) find(name string) *node {
	// By index: to copy a node would read its size without care.
	i, ok := sort.Find(len(d.nodes), func(i int) int { return strings.Compare(name, d.nodes[i].name) })
	if !ok {
		return nil
	}
	return &d.nodes[i]
}
