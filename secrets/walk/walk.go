// Package walk reads the files of a work tree or commit one after the other,
// within limits, for what looks for secrets in all of them.
//
// Start with [Files]. It follows no symbolic link: what one leads to is either
// seen where it lies, or lies outside.
package walk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/gitignore"
)

// Options limit a walk. A zero field means the default.
type Options struct {
	MaxBytes int64 // of one file that is read; default 4 MiB
	MaxFiles int   // default 200,000
	MaxDepth int   // directories in one another; default 100
	// Ignored includes what .gitignore files leave out.
	Ignored bool
	// Exclude are patterns as in .gitignore, beside those files.
	Exclude []string
	// Wanted says of a path whether the file is to be read. Nil wants all.
	Wanted func(path string) bool
	// Progress, if there is one, is told how many files were seen.
	Progress func(files int)
}

func (o Options) orDefault() Options {
	if o.MaxBytes == 0 {
		o.MaxBytes = 4 << 20
	}
	if o.MaxFiles == 0 {
		o.MaxFiles = 200_000
	}
	if o.MaxDepth == 0 {
		o.MaxDepth = 100
	}
	return o
}

// ErrLimit is in every error about too many files, or directories too deep.
var ErrLimit = errors.New("over the limit")

// A Skipped file is one that was not read, and why.
type Skipped struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// A Report says how a walk went.
type Report struct {
	Files   int       `json:"files"` // that were read
	Bytes   int64     `json:"bytes"`
	Skipped []Skipped `json:"skipped,omitempty"` // binary files aside
}

type walker struct {
	Options
	tree    fs.FS
	visit   func(path string, data []byte) error
	ignored []gitignore.Pattern
	seen    int
	report  Report
}

// Files calls visit with each regular text file below root, in the order of
// names. Files that are binary are passed over, as are those that .gitignore
// names and the directory .git; files that are too large, or cannot be read, are
// listed in the Report. An error of visit ends the walk.
func Files(ctx context.Context, tree fs.FS, root string, o Options, visit func(path string, data []byte) error) (Report, error) {
	w := &walker{Options: o.orDefault(), tree: tree, visit: visit}
	for _, line := range o.Exclude {
		w.ignored = append(w.ignored, gitignore.ParsePattern(line, nil))
	}
	if !o.Ignored {
		w.ignoreAbove(root)
	}
	err := fs.WalkDir(tree, root, func(at string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			if at == root {
				return err
			}
			w.skip(at, reason(err))
			return nil
		}
		if d.IsDir() {
			return w.enter(root, at)
		}
		return w.file(at, d)
	})
	return w.report, err
}

// ignoreAbove reads the .gitignore files of the directories that hold root.
func (w *walker) ignoreAbove(root string) {
	if root == "." {
		return
	}
	parts := strings.Split(root, "/")
	for i := range parts {
		w.readIgnores(path.Join(parts[:i]...))
	}
}

func (w *walker) readIgnores(dir string) {
	if dir == "" {
		dir = "."
	}
	text, err := fs.ReadFile(w.tree, path.Join(dir, ".gitignore"))
	if err != nil {
		return
	}
	var domain []string
	if dir != "." {
		domain = strings.Split(dir, "/")
	}
	for line := range bytes.Lines(text) {
		if pattern := strings.TrimRight(string(line), " \t\r\n"); pattern != "" && !strings.HasPrefix(pattern, "#") {
			w.ignored = append(w.ignored, gitignore.ParsePattern(pattern, domain))
		}
	}
}

// leaves says whether a path is left out. The last pattern that matches decides.
func (w *walker) leaves(at string, dir bool) bool {
	parts := strings.Split(at, "/")
	for i := len(w.ignored) - 1; i >= 0; i-- {
		switch w.ignored[i].Match(parts, dir) {
		case gitignore.Exclude:
			return true
		case gitignore.Include:
			return false
		}
	}
	return false
}

func (w *walker) enter(root, at string) error {
	if at != root && (path.Base(at) == ".git" || w.leaves(at, true)) {
		return fs.SkipDir
	}
	if strings.Count(at, "/") >= w.MaxDepth {
		return fmt.Errorf("%s: %w: more than %d directories in one another", at, ErrLimit, w.MaxDepth)
	}
	if !w.Ignored {
		w.readIgnores(at)
	}
	return nil
}

func (w *walker) file(at string, d fs.DirEntry) error {
	if !d.Type().IsRegular() || path.Base(at) == ".git" || w.leaves(at, false) {
		return nil
	}
	if w.seen++; w.seen > w.MaxFiles {
		return fmt.Errorf("%w: more than %d files", ErrLimit, w.MaxFiles)
	}
	if w.Progress != nil {
		w.Progress(w.seen)
	}
	if w.Wanted != nil && !w.Wanted(at) {
		return nil
	}
	info, err := d.Info()
	if err != nil {
		w.skip(at, reason(err))
		return nil
	}
	if info.Size() > w.MaxBytes {
		w.skip(at, fmt.Sprintf("it has %d bytes, and %d are read", info.Size(), w.MaxBytes))
		return nil
	}
	data, err := fs.ReadFile(w.tree, at)
	if err != nil {
		w.skip(at, reason(err))
		return nil
	}
	if Binary(data) {
		return nil
	}
	w.report.Files++
	w.report.Bytes += int64(len(data))
	return w.visit(at, data)
}

func (w *walker) skip(at, why string) {
	w.report.Skipped = append(w.report.Skipped, Skipped{at, why})
}

// reason is an error without the path, which stands beside it.
func reason(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err.Error()
	}
	return err.Error()
}

// Binary says whether data is no text, as Git decides: a zero byte near its
// beginning.
func Binary(data []byte) bool {
	return bytes.IndexByte(data[:min(len(data), 8000)], 0) >= 0
}
