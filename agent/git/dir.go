package git

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
)

// Dir returns the tree of a directory on disk as Git would see it: contents are
// hashed as blobs, .git is hidden, a submodule is the directory that is checked
// out, any other nested repository is a submodule that cannot be read. Links
// obey the same rules as in a commit, so nothing outside is read. Each directory
// is listed once; files are read whenever they are asked for.
func Dir(name string) (*Tree, error) {
	d, err := openDisk(name)
	if err != nil {
		return nil, err
	}
	return newTree(d, Limits{}), nil
}

// disk is a source. os.Root keeps it inside even if links change meanwhile.
type disk struct {
	base *os.Root
	top  *os.File // the same directory
	dirs sync.Map // path to *dir
}

func openDisk(name string) (*disk, error) {
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, fmt.Errorf("open directory: %w", err)
	}
	top, err := root.Open(".")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open directory: %w", err), root.Close())
	}
	return &disk{base: root, top: top}, nil
}

func (*disk) revision() string    { return "" }
func (*disk) root() plumbing.Hash { return plumbing.ZeroHash }

func (s *disk) readDir(name string, _ plumbing.Hash, limit int) (*dir, error) {
	if d, ok := s.dirs.Load(name); ok {
		return d.(*dir), nil
	}
	f, err := s.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	listed, err := f.ReadDir(limit + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(listed) > limit {
		return nil, tooMany(name, limit)
	}
	nodes := make([]node, 0, len(listed))
	for _, e := range listed {
		if n := s.node(name, e); n.kind != Absent {
			nodes = append(nodes, n)
		}
	}
	d, _ := s.dirs.LoadOrStore(name, newDir(nodes))
	return d.(*dir), nil
}

// node is Absent for what Git does not track: .git, sockets, devices.
func (s *disk) node(in string, e fs.DirEntry) node {
	n := node{name: e.Name(), kind: Absent}
	switch {
	case e.Name() == ".git":
	case e.Type() == fs.ModeSymlink:
		n.kind = Link
	case e.IsDir():
		n.kind = Directory
		if s.foreign(path.Join(in, e.Name(), ".git")) {
			n.kind = Submodule
		}
	case e.Type().IsRegular():
		n.kind = File
		if info, err := e.Info(); err == nil {
			n.size = info.Size() + 1
			if info.Mode()&0o100 != 0 {
				n.kind = Executable
			}
		}
	}
	return n
}

// foreign tells a nested repository from a submodule that is checked out: its
// .git is a file that leads to where its superproject keeps it.
func (s *disk) foreign(dotGit string) bool {
	if _, err := os.Lstat(filepath.Join(s.base.Name(), dotGit)); errors.Is(err, fs.ErrNotExist) {
		return false // as almost always
	}
	info, err := s.base.Lstat(dotGit)
	if err != nil {
		return false
	}
	if !info.Mode().IsRegular() || info.Size() > maxTarget {
		return true
	}
	text, err := s.base.ReadFile(dotGit)
	return err != nil || !bytes.HasPrefix(text, []byte("gitdir: ")) || !bytes.Contains(text, []byte("/modules/"))
}

func (s *disk) readFile(name string, _ plumbing.Hash, limit int64) ([]byte, plumbing.Hash, error) {
	f, err := s.open(name)
	if err != nil {
		return nil, plumbing.ZeroHash, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, plumbing.ZeroHash, err
	}
	if !info.Mode().IsRegular() {
		return nil, plumbing.ZeroHash, errors.New("no longer a regular file")
	}
	if info.Size() > limit {
		return nil, plumbing.ZeroHash, tooLarge(name, info.Size(), limit)
	}
	content, err := io.ReadAll(io.LimitReader(f, limit))
	return content, plumbing.ComputeHash(plumbing.BlobObject, content), err
}

func (s *disk) readLink(name string, _ plumbing.Hash) (string, error) {
	return s.base.Readlink(name)
}

func (s *disk) size(name string, _ plumbing.Hash) (int64, error) {
	info, err := s.base.Lstat(name)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (s *disk) hash(name string, _ plumbing.Hash) (plumbing.Hash, error) {
	f, err := s.open(name)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return plumbing.ZeroHash, err
	}
	h := plumbing.NewHasher(plumbing.BlobObject, info.Size())
	buffer := make([]byte, min(info.Size()+1, 64<<10))
	_, err = io.CopyBuffer(h, struct{ io.Reader }{f}, buffer) // not by File.WriteTo, which takes a buffer of its own
	return h.Sum(), err
}

func tooLarge(name string, size, limit int64) error {
	return failf(ErrTooLarge, "%s has %d bytes, more than the limit of %d", name, size, limit)
}

func tooMany(name string, limit int) error {
	return failf(ErrTooLarge, "directory %s has more than the limit of %d entries", name, limit)
}
