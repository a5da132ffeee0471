package render

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/plugins/sdk"
)

const (
	// mountRoot is where other sources lie in a view. A directory of this name in
	// the repository cannot be seen past a mount, and need not.
	mountRoot = ".tidelock-mounts/"
	// maxMounts bounds the other sources of one render.
	maxMounts = 64
)

// mounts are the other sources that a render reads, each recorded by itself. A
// mount is found by the first two parts of a name.
type mounts struct {
	byDir map[string]*mount
	order []*mount
}

type mount struct {
	*git.Recorder
	dir    string // ".tidelock-mounts/" and digits
	source sdk.Source
	remote Remote
}

// add mounts a source that open finds, once.
func (m *mounts) add(source sdk.Source, open func() (Remote, error)) (*mount, error) {
	dir := mountDir(source)
	if known := m.byDir[dir]; known != nil {
		return known, nil
	}
	if len(m.order) == maxMounts {
		return nil, &Error{Kind: ErrRemote, Err: fmt.Errorf("it refers to more than %d other sources", maxMounts), Hint: "copy some of them into the repository"}
	}
	remote, err := open()
	if err != nil {
		return nil, err
	}
	added := &mount{git.NewRecorder(remote.Tree), dir, source, remote}
	if m.byDir == nil {
		m.byDir = map[string]*mount{}
	}
	m.byDir[dir], m.order = added, append(m.order, added)
	return added, nil
}

// mountDir is the same for the same source: it shows in what some renderers make.
func mountDir(source sdk.Source) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q", source.Ref, source.URL, source.Revision, source.Chart))
	return mountRoot + hex.EncodeToString(sum[:6])
}

// of returns the mount that a name lies in, and the name inside; nil if none.
func (m *mounts) of(name string) (*mount, string) {
	rest, ok := strings.CutPrefix(name, mountRoot)
	if !ok {
		return nil, name
	}
	digits, inner, _ := strings.Cut(rest, "/")
	found := m.byDir[mountRoot+digits]
	if found == nil {
		return nil, name
	}
	if inner == "" {
		inner = "."
	}
	return found, inner
}

// find returns who reads a name, and the name it has there.
func (m *mounts) find(tree *git.Recorder, name string) (from *git.Recorder, inner string) {
	if found, inner := m.of(name); found != nil {
		return found.Recorder, inner
	}
	return tree, name
}

// outer turns a path that a mount resolved back into one of the view. Name is
// what was asked for.
func (m *mounts) outer(name, path string) string {
	found, _ := m.of(name)
	switch {
	case found == nil:
		return path
	case path == ".":
		return found.dir
	}
	return found.dir + "/" + path
}

// within names the mount in an error of reading a name.
func (m *mounts) within(name string, err error) error {
	found, _ := m.of(name)
	var of *fs.PathError
	if found == nil || !errors.As(err, &of) {
		return err
	}
	return &fs.PathError{Op: of.Op, Path: found.name(of.Path), Err: of.Err}
}

// name is what a file of the mount is called. A single file is all of its mount.
func (m *mount) name(inner string) string {
	if path.Base(m.remote.Label) == inner {
		return m.remote.Label
	}
	return m.remote.Label + "//" + inner
}

// label puts what mounts are called in the place of where they lie.
func (m *mounts) label(text string) string {
	for _, mount := range m.order {
		label := mount.remote.Label
		text = strings.NewReplacer(
			"/"+mount.dir+"/"+path.Base(label), label, mount.dir+"/"+path.Base(label), label,
			"/"+mount.dir+"/", label+"//", mount.dir+"/", label+"//", mount.dir, label,
		).Replace(text)
	}
	return text
}

// bases are the trees that were read.
func (m *mounts) bases() []basis {
	var list []basis
	for _, mount := range m.order {
		list = append(list, basisOf(mount.remote.Tree))
	}
	return list
}

func (m *mounts) inputs() []Mount {
	var list []Mount
	for _, mount := range m.order {
		list = append(list, Mount{mount.source, mount.remote.Revision, mount.Facts()})
	}
	return list
}

// open finds a source that is not the request's own.
func (req *Request) open(ctx context.Context, source sdk.Source) (Remote, error) {
	switch {
	case source.Ref != "":
		if ref, ok := req.Refs[source.Ref]; ok {
			return ref, nil
		}
		return Remote{}, &Error{
			Kind: ErrRemote, Err: fmt.Errorf("no source of the Application has the ref %q", source.Ref),
			Hint: "set ref: " + source.Ref + " on the source that it stands for",
		}
	case req.Remotes == nil:
		return Remote{}, &Error{Kind: ErrRemote, Err: fmt.Errorf("%s: nothing is fetched here", source), Hint: "copy it into the repository"}
	}
	remote, err := req.Remotes.Open(ctx, req.Project, source)
	if err != nil {
		return remote, &Error{Kind: ErrRemote, Err: fmt.Errorf("fetch %s: %w", source, err)}
	}
	return remote, nil
}
