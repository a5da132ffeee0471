package directory

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// maxDepth is how far below the directory files are looked for.
const maxDepth = 100

// find lists the files to render, directories at their place among their
// siblings. A link to a file counts as the file; one that leads to a directory,
// or nowhere, is left out with a warning.
func find(ctx context.Context, tree sdk.Tree, root string, o *options) (files, warnings []string, err error) {
	w := &walk{ctx: ctx, tree: tree, root: root, options: o}
	err = w.dir(root, 0)
	return w.files, w.warnings, err
}

type walk struct {
	ctx             context.Context
	tree            sdk.Tree
	root            string
	options         *options
	files, warnings []string
}

func (w *walk) dir(name string, depth int) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	if depth > maxDepth {
		return fmt.Errorf("%s: lies more than %d directories deep: name one further down as the path of a source of its own", name, maxDepth)
	}
	entries, err := w.tree.ReadDir(name)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := w.entry(path.Join(name, e.Name()), e, depth); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) entry(name string, e fs.DirEntry, depth int) error {
	switch {
	case e.IsDir() && w.options.Recurse:
		return w.dir(name, depth+1)
	case e.IsDir(), !w.options.wants(w.relative(name)):
		return nil
	case e.Type()&fs.ModeSymlink != 0:
		return w.link(name)
	case e.Type().IsRegular():
		w.files = append(w.files, name)
	}
	return nil
}

// link follows a link to a file. One to a directory could lead round in a circle.
func (w *walk) link(name string) error {
	info, err := w.tree.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		w.warnings = append(w.warnings, name+": left out: the link leads to nothing")
	case err != nil:
		return err
	case info.IsDir():
		w.warnings = append(w.warnings, name+": left out: the link leads to a directory, and only links to files are followed")
	default:
		w.files = append(w.files, name)
	}
	return nil
}

func (w *walk) relative(name string) string {
	if w.root == "." {
		return name
	}
	return strings.TrimPrefix(name, w.root+"/")
}
