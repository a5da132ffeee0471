package render

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/secrets/audit"
	"github.com/tidelock-io/tidelock/secrets/leak"
)

// A view is the tree as a plugin sees it: every read is recorded, SOPS files
// read as plain text (DESIGN.md D3). What is decrypted lives as long as the
// view. The host reads from one goroutine, and makes any error but "nothing is
// there" the render's own, whatever the plugin makes of it.
type view struct {
	*git.Recorder
	ctx     context.Context // of the render
	request *Request
	plugins Plugins
	mounts  mounts
	extra   *extra // what is read besides the tree

	asked    bool              // a file was to be decrypted
	plain    map[string][]byte // decrypted files by name
	redactor redactor
	opened   []leak.Secret
}

var _ sdk.EncryptedTree = (*view)(nil)

// ReadFile returns the file's content, decrypted if need be.
func (v *view) ReadFile(name string) ([]byte, error) {
	if plain, ok := v.plain[name]; ok {
		return plain, nil
	}
	if value, ok := v.extra.files[name]; ok {
		return value.bytes(), nil
	}
	from, inner := v.mounts.find(v.Recorder, name)
	data, err := from.ReadFile(inner)
	if err != nil {
		return nil, v.mounts.within(name, err)
	}
	format := sopsFormat(name, data)
	switch {
	case format != "":
		return v.open(name, format, data)
	case cutOff(name, data):
		return nil, &Error{Where: name, Err: errCutOff, Hint: "take the file from a commit where it is whole, or encrypt it again"}
	}
	return data, nil
}

// ReadEncrypted returns the file's content as it is in the commit.
func (v *view) ReadEncrypted(name string) ([]byte, error) {
	if value, ok := v.extra.files[name]; ok {
		return value.bytes(), nil
	}
	from, inner := v.mounts.find(v.Recorder, name)
	data, err := from.ReadFile(inner)
	return data, v.mounts.within(name, err)
}

func (v *view) open(name, format string, data []byte) ([]byte, error) {
	v.asked = true
	ctx, use := audit.Begin(v.ctx, audit.Event{Application: v.request.Application, Kind: audit.SOPS, What: v.where(name)})
	plain, err := v.plugins.Decrypt(ctx, &sdk.DecryptRequest{
		Application: v.request.Application, Path: name, Format: format, Data: data, Keys: v.request.Keys,
	})
	use.End(v.ctx, digest(data), err)
	switch {
	case errors.Is(err, sdk.ErrNoKey):
		return nil, v.noKey(name, err)
	case err != nil:
		return nil, &Error{Where: name, Kind: errDecrypt, Err: fmt.Errorf("decrypt this SOPS file: %w", unplaced(name, spoken(err)))}
	}
	if v.plain == nil {
		v.plain = map[string][]byte{}
	}
	v.plain[name] = plain
	v.note(name, format, data, plain)
	v.redactor.add(data, plain)
	return plain, nil
}

// noKey says for whom a file is encrypted, and which keys were tried: in the
// plugin's words.
func (v *view) noKey(name string, err error) error {
	return &Error{
		Where: name, Kind: ErrNoKey, Err: unplaced(name, spoken(err)),
		Hint: "add the private key of one of its recipients, or encrypt the file for a key that is held (sops updatekeys)",
	}
}

// unplaced takes the file's name from what was said of it.
func unplaced(name string, err error) error {
	if text, ok := strings.CutPrefix(err.Error(), name+": "); ok {
		return errors.New(text)
	}
	return err
}

// Resolve follows links.
func (v *view) Resolve(name string) (string, fs.FileInfo, error) {
	if info := v.extra.file(name); info != nil {
		return name, info, nil
	}
	from, inner := v.mounts.find(v.Recorder, name)
	entry, err := from.Lookup(inner)
	if info := v.extra.dir(name); info != nil && errors.Is(err, fs.ErrNotExist) {
		return name, info, nil
	}
	if err != nil {
		return "", nil, v.mounts.within(name, err)
	}
	entry.Path = v.mounts.outer(name, entry.Path)
	return entry.Path, entryInfo{entry}, nil
}

// ReadDir lists a directory. Mounts are not listed.
func (v *view) ReadDir(name string) ([]fs.DirEntry, error) {
	from, inner := v.mounts.find(v.Recorder, name)
	entries, err := from.ReadDir(inner)
	if v.extra.dir(name) != nil && (err == nil || errors.Is(err, fs.ErrNotExist)) {
		return v.extra.list(name, entries), nil
	}
	return entries, v.mounts.within(name, err)
}

// Stat describes what a name leads to.
func (v *view) Stat(name string) (fs.FileInfo, error) {
	if info := v.extra.file(name); info != nil {
		return info, nil
	}
	from, inner := v.mounts.find(v.Recorder, name)
	info, err := from.Stat(inner)
	if extra := v.extra.dir(name); extra != nil && errors.Is(err, fs.ErrNotExist) {
		return extra, nil
	}
	return info, v.mounts.within(name, err)
}

// Open opens a directory, or a file with its content decrypted if need be.
func (v *view) Open(name string) (fs.File, error) {
	_, info, err := v.Resolve(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		if v.extra.dir(name) != nil {
			return &openDir{info: info, list: func() ([]fs.DirEntry, error) { return v.ReadDir(name) }}, nil
		}
		from, inner := v.mounts.find(v.Recorder, name)
		return from.Open(inner)
	}
	data, err := v.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return &openFile{info, bytes.NewReader(data)}, nil
}

// entryInfo describes an entry. Of a SOPS file the size is the encrypted one.
type entryInfo struct{ entry git.Entry }

func (e entryInfo) Name() string       { return path.Base(e.entry.Path) }
func (e entryInfo) Size() int64        { return e.entry.Size }
func (e entryInfo) Mode() fs.FileMode  { return e.entry.Kind.Mode() }
func (e entryInfo) ModTime() time.Time { return time.Time{} }
func (e entryInfo) IsDir() bool        { return e.Mode().IsDir() }
func (e entryInfo) Sys() any           { return nil }

type openFile struct {
	info fs.FileInfo
	*bytes.Reader
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }
