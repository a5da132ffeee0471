package sdk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/plugins/sdk/wire"
)

// ErrNoScratch says that there is no private directory in memory to copy to: the
// plugin was not granted one, or no host has started it.
var ErrNoScratch = errors.New("there is no scratch directory")

// A Workspace is a copy of the tree in memory, for a renderer that hands files
// to other programs. It is the caller's alone, and is gone after Close, or when
// the process ends.
type Workspace struct {
	// Tree stands for the root of the repository. Home and Temp are empty
	// directories for the programs' own use.
	Tree, Home, Temp string
	// Missing are files that could not be copied, and why: they are outside of
	// the directory that is rendered, so they may not matter.
	Missing []error

	dir string
}

// Close removes the workspace with all that programs have written there.
func (w *Workspace) Close() error { return os.RemoveAll(w.dir) }

// CopyOptions say what Materialize copies. The zero value is all that is there.
type CopyOptions struct {
	// Paths are the directories and files to copy, each with everything below, as
	// they are named in the tree. All of it if empty.
	Paths []string
	// Encrypted leaves SOPS files as they are in the commit.
	Encrypted bool
	// KeepModes leaves files executable that are so in the commit.
	KeepModes bool
}

// Materialize copies the tree into the plugin's scratch directory, which lies in
// memory. All that is copied is an input of the render, so copy what is needed.
// The plugin's Needs must have Scratch.
//
// A symbolic link is one in the copy, too. What it leads to is copied with it.
func (r *RenderRequest) Materialize(ctx context.Context, options CopyOptions) (*Workspace, error) {
	from, ok := r.Tree.(*tree)
	if !ok || r.scratch == "" {
		return nil, ErrNoScratch
	}
	w, err := newWorkspace(r.scratch)
	if err != nil {
		return nil, err
	}
	if len(options.Paths) == 0 || slices.Contains(options.Paths, ".") {
		options.Paths = []string{"."}
	}
	c := &copying{ctx: ctx, from: from, within: path.Clean(r.Path), options: options, to: w}
	if err := c.run(); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

func newWorkspace(scratch string) (*Workspace, error) {
	dir, err := os.MkdirTemp(scratch, "work")
	if err != nil {
		return nil, fmt.Errorf("make a directory for the copy: %w", err)
	}
	w := &Workspace{dir: dir, Tree: filepath.Join(dir, "tree"), Home: filepath.Join(dir, "home"), Temp: filepath.Join(dir, "tmp")}
	for _, sub := range []string{w.Tree, w.Home, w.Temp} {
		if err := os.Mkdir(sub, 0o700); err != nil {
			return nil, errors.Join(err, w.Close())
		}
	}
	return w, nil
}

// copying is one call of Materialize. It goes through the tree level by level,
// so that many questions go out at once.
type copying struct {
	ctx     context.Context
	from    *tree
	within  string // the directory that is rendered: here nothing may be missing
	options CopyOptions
	to      *Workspace
	root    *os.Root
	roots   []string // what is copied, each with everything below
	dirs    []string // still to be listed
}

func (c *copying) run() (err error) {
	if c.root, err = os.OpenRoot(c.to.Tree); err != nil {
		return err
	}
	defer c.root.Close()
	for _, name := range c.options.Paths {
		if err := c.begin(path.Clean(name)); err != nil {
			return err
		}
	}
	for len(c.dirs) > 0 {
		level := c.dirs
		c.dirs = nil
		if err := c.list(level); err != nil {
			return err
		}
	}
	return nil
}

// begin copies what was asked for by name: the way there may lead through links.
func (c *copying) begin(name string) error {
	resolved, info, err := c.from.Resolve(name)
	if err != nil {
		return err
	}
	if info.IsDir() {
		err = c.include(resolved)
	} else {
		err = c.files([]string{resolved})
	}
	if err == nil && resolved != name {
		err = c.link(name, resolved)
	}
	return err
}

// include has a directory copied, unless it is.
func (c *copying) include(dir string) error {
	if c.has(dir) {
		return nil
	}
	c.roots = append(c.roots, dir)
	c.dirs = append(c.dirs, dir)
	return c.root.MkdirAll(dir, 0o700)
}

func (c *copying) has(name string) bool {
	for _, root := range c.roots {
		if root == "." || name == root || strings.HasPrefix(name, root+"/") {
			return true
		}
	}
	return false
}

// copyBatch is how many files are held in memory at a time.
const copyBatch = 64

// list copies what directories hold, except what is in directories below them.
func (c *copying) list(dirs []string) error {
	answers, err := c.ask(wire.Ask_READ_DIR, dirs)
	if err != nil {
		return err
	}
	var files []string
	for i, answer := range answers {
		if err := Kinds().Error(answer.GetFailure()); err != nil {
			return err
		}
		for _, e := range answer.GetEntries() {
			name := path.Join(dirs[i], e.GetName())
			if !fs.FileMode(e.GetMode()).IsDir() {
				files = append(files, name)
				continue
			}
			if err := c.root.MkdirAll(name, 0o700); err != nil {
				return err
			}
			c.dirs = append(c.dirs, name)
		}
	}
	return c.files(files)
}

// files copies files, and links.
func (c *copying) files(names []string) error {
	for len(names) > 0 {
		batch := names[:min(len(names), copyBatch)]
		names = names[len(batch):]
		answers, err := c.ask(wire.Ask_COPY, batch)
		if err != nil {
			return err
		}
		for i, answer := range answers {
			if err := c.file(batch[i], answer); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *copying) file(name string, answer *wire.Answer) error {
	if err := Kinds().Error(answer.GetFailure()); err != nil {
		return c.miss(name, err)
	}
	info := wire.FromInfo(answer.GetInfo())
	target := answer.GetPath()
	switch {
	case info.IsDir(): // by a link
		if err := c.include(target); err != nil {
			return err
		}
		return c.link(name, target)
	case target != name && c.has(target):
		return c.link(name, target)
	}
	if err := c.root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	mode := fs.FileMode(0o600)
	if c.options.KeepModes && info.Mode()&0o111 != 0 {
		mode = 0o700
	}
	return c.root.WriteFile(name, answer.GetData(), mode)
}

// miss goes on without a file outside of what is rendered. Inside, what is wrong
// with it is what the render fails of.
func (c *copying) miss(name string, err error) error {
	if c.within != "." && !strings.HasPrefix(name, c.within+"/") || errors.Is(err, fs.ErrNotExist) {
		c.to.Missing = append(c.to.Missing, fmt.Errorf("%s: %w", name, err))
		return nil
	}
	if _, again := c.from.ReadFile(name); again != nil {
		return again
	}
	return err
}

// link makes name lead to target, both in the copy.
func (c *copying) link(name, target string) error {
	if err := c.root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	to, err := filepath.Rel(path.Dir(name), target)
	if err != nil {
		return err
	}
	if err := c.root.Symlink(to, name); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil // it was copied before, under another of the paths
}

// ask asks the same of many names, without keeping the answers.
func (c *copying) ask(op wire.Ask_Operation, names []string) (answers []*wire.Answer, err error) {
	c.from.mu.Lock()
	defer c.from.mu.Unlock()
	for len(names) > 0 {
		if err := c.ctx.Err(); err != nil {
			return nil, err
		}
		var asks []*wire.Ask
		for size := 0; len(asks) < min(len(names), maxAsks) && size < maxAsks*maxName; {
			name := names[len(asks)]
			asks = append(asks, &wire.Ask{Operation: op, Name: name, Encrypted: c.options.Encrypted})
			size += len(name)
		}
		names = names[len(asks):]
		some, err := c.from.exchange(asks)
		if err != nil {
			return nil, err
		}
		answers = append(answers, some...)
	}
	return answers, nil
}
