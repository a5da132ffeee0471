package render

import (
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// valuesRoot is where values lie in a view that have no place in the tree: who names
// one of its files can read it, but nothing lists it.
const valuesRoot = ".tidelock-values/"

// An extra is what a view has besides the tree: values that were given as files.
type extra struct {
	files map[string]*Value
	dirs  map[string][]string // the names in each directory that has some, or leads to one
}

func newExtra(req *Request) *extra {
	e := &extra{files: map[string]*Value{}, dirs: map[string][]string{}}
	for i := range req.Values {
		v := &req.Values[i]
		name := v.place(req.Source.Path)
		e.files[name] = v
		if strings.HasPrefix(name, valuesRoot) {
			continue
		}
		for name != "." {
			dir := path.Dir(name)
			if base := path.Base(name); !slices.Contains(e.dirs[dir], base) {
				e.dirs[dir] = append(e.dirs[dir], base)
			}
			name = dir
		}
	}
	return e
}

// place is the name of a value in the view.
func (v *Value) place(source string) string {
	if v.File != "" {
		return path.Join(source, v.File)
	}
	return valuesRoot + v.id()
}

// label puts what values are from in the place of where they lie.
func (e *extra) label(text string) string {
	if !strings.Contains(text, valuesRoot) {
		return text
	}
	for name, v := range e.files {
		text = strings.NewReplacer("/"+name, v.String(), name, v.String()).Replace(text)
	}
	return text
}

// file describes a file; nil if it is none of these.
func (e *extra) file(name string) fs.FileInfo {
	v := e.files[name]
	if v == nil {
		return nil
	}
	return extraInfo{path.Base(name), int64(v.Plain.Len()), 0o444}
}

// dir describes a directory that leads to files; nil if none does.
func (e *extra) dir(name string) fs.FileInfo {
	if e.dirs[name] == nil {
		return nil
	}
	return extraInfo{path.Base(name), 0, fs.ModeDir | 0o555}
}

// list adds what a directory has to what it has in the tree.
func (e *extra) list(dir string, entries []fs.DirEntry) []fs.DirEntry {
	all := slices.Clone(entries)
	for _, base := range e.dirs[dir] {
		name := path.Join(dir, base)
		i := slices.IndexFunc(all, func(d fs.DirEntry) bool { return d.Name() == base })
		switch info := e.file(name); {
		case info != nil && i >= 0:
			all[i] = fs.FileInfoToDirEntry(info)
		case info != nil:
			all = append(all, fs.FileInfoToDirEntry(info))
		case i < 0:
			all = append(all, fs.FileInfoToDirEntry(e.dir(name)))
		}
	}
	slices.SortFunc(all, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return all
}

// extraInfo describes a file or a directory that is in no tree.
type extraInfo struct {
	name string
	size int64
	mode fs.FileMode
}

func (e extraInfo) Name() string       { return e.name }
func (e extraInfo) Size() int64        { return e.size }
func (e extraInfo) Mode() fs.FileMode  { return e.mode }
func (e extraInfo) ModTime() time.Time { return time.Time{} }
func (e extraInfo) IsDir() bool        { return e.mode.IsDir() }
func (e extraInfo) Sys() any           { return nil }

// openDir is a directory that has more than the tree's.
type openDir struct {
	info fs.FileInfo
	list func() ([]fs.DirEntry, error)
	rest []fs.DirEntry
	read bool
}

var _ fs.ReadDirFile = (*openDir)(nil)

func (d *openDir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *openDir) Close() error               { return nil }
func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.Name(), Err: fs.ErrInvalid}
}

// ReadDir is as fs.ReadDirFile says.
func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if !d.read {
		all, err := d.list()
		if err != nil {
			return nil, err
		}
		d.rest, d.read = all, true
	}
	if n <= 0 {
		n = len(d.rest)
	} else if len(d.rest) == 0 {
		return nil, io.EOF
	}
	some := d.rest[:min(n, len(d.rest))]
	d.rest = d.rest[len(some):]
	return some, nil
}
