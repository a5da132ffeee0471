package git

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"time"
)

// A reader is what Tree and Recorder have in common.
type reader interface {
	fs.ReadFileFS
	fs.ReadDirFS
	fs.StatFS
}

// open serves fs.FS by the other methods, so that whatever they note is noted.
func open(r reader, name string) (fs.File, error) {
	info, err := r.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return &openDir{info: info, list: func() ([]fs.DirEntry, error) { return r.ReadDir(name) }}, nil
	}
	content, err := r.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return &openFile{bytes.NewReader(content), info}, nil
}

type openFile struct {
	*bytes.Reader
	info fs.FileInfo
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }

type openDir struct {
	info   fs.FileInfo
	list   func() ([]fs.DirEntry, error)
	listed bool
	rest   []fs.DirEntry
}

func (d *openDir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *openDir) Close() error               { return nil }

func (d *openDir) Read([]byte) (int, error) {
	return 0, within("read", d.info.Name(), failf(ErrIsDir, "is a directory"))
}

func (d *openDir) ReadDir(n int) (entries []fs.DirEntry, err error) {
	if !d.listed {
		if d.rest, err = d.list(); err != nil {
			return nil, err
		}
		d.listed = true
	}
	if n <= 0 {
		n = len(d.rest)
	} else if len(d.rest) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(d.rest))
	entries, d.rest = d.rest[:n], d.rest[n:]
	return entries, nil
}

// An info is a fs.FileInfo. Commits have no times per file: ModTime is zero.
type info struct {
	name string
	kind Kind
	size int64
}

func infoOf(name string, at place) info {
	return info{path.Base(name), at.kind(), at.size}
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return i.kind.Mode() }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.kind == Directory }
func (i info) Sys() any           { return nil }

// An entry is a fs.DirEntry. Its Info goes through the reader that listed it.
type entry struct {
	in   fs.StatFS
	path string
	name string
	kind Kind
}

func entriesOf(in fs.StatFS, at place, d *dir) []fs.DirEntry {
	entries := make([]fs.DirEntry, len(d.nodes))
	for i := range d.nodes {
		n := &d.nodes[i]
		kind := n.kind
		if kind == Submodule && at.tree.hasModules() {
			kind = Directory
		}
		entries[i] = &entry{in, path.Join(at.path, n.name), n.name, kind}
	}
	return entries
}

func (e *entry) Name() string      { return e.name }
func (e *entry) IsDir() bool       { return e.kind == Directory }
func (e *entry) Type() fs.FileMode { return e.kind.Mode().Type() }
func (e *entry) String() string    { return fs.FormatDirEntry(e) }

// Info describes the entry itself; of a link or a submodule that is its kind.
func (e *entry) Info() (fs.FileInfo, error) {
	if !e.kind.IsFile() {
		return info{name: e.name, kind: e.kind}, nil
	}
	return e.in.Stat(e.path)
}
