package wire

import (
	"io/fs"
	"time"
)

// ToInfo turns what a Tree says of a file into its message.
func ToInfo(info fs.FileInfo) *FileInfo {
	return &FileInfo{Name: info.Name(), Size: info.Size(), Mode: uint32(info.Mode())}
}

// Stat is a FileInfo message as Go's two views of a file, fs.FileInfo and
// fs.DirEntry.
type Stat struct{ m *FileInfo }

// FromInfo returns the view of m.
func FromInfo(m *FileInfo) Stat { return Stat{m} }

// Name, and the methods below, are those of fs.FileInfo and fs.DirEntry. A
// commit keeps no times.
func (s Stat) Name() string               { return s.m.GetName() }
func (s Stat) Size() int64                { return s.m.GetSize() }
func (s Stat) Mode() fs.FileMode          { return fs.FileMode(s.m.GetMode()) }
func (s Stat) ModTime() time.Time         { return time.Time{} }
func (s Stat) IsDir() bool                { return s.Mode().IsDir() }
func (s Stat) Sys() any                   { return nil }
func (s Stat) Type() fs.FileMode          { return s.Mode().Type() }
func (s Stat) Info() (fs.FileInfo, error) { return s, nil }
func (s Stat) String() string             { return fs.FormatFileInfo(s) }
