package git

import (
	"errors"
	"fmt"
	"io/fs"
)

// What can go wrong with a repository. Test with errors.Is.
var (
	// ErrRepository: the repository cannot be reached, or what answers is no
	// repository. Trying again may help.
	ErrRepository = errors.New("repository unreachable")
	// ErrAuth: the server, or its identity, was refused. Trying again does not
	// help before somebody changes credentials.
	ErrAuth = errors.New("access denied")
	// ErrRevision: the repository answers, but has no such branch, tag or commit.
	ErrRevision = errors.New("unknown revision")
	// ErrCorrupt: an object of the local mirror is damaged. The mirror has been
	// dropped and the next call clones it anew.
	ErrCorrupt = errors.New("local mirror is damaged")
	// ErrTooLarge: the server sent, or a file or directory has, more than the limit.
	ErrTooLarge = errors.New("over the size limit")
)

// What can go wrong with a path inside a tree. All but errUnreadable are
// properties of the commit: reading again gives the same error.
var (
	// ErrPath: nothing has that path. It is an fs.ErrNotExist.
	ErrPath = fmt.Errorf("no such path: %w", fs.ErrNotExist)
	// ErrSubmodule: the path is, or lies in, a submodule, which cannot be read.
	ErrSubmodule = errors.New("submodule")
	// ErrLink: a symbolic link is absolute, leaves the tree, or is part of a loop.
	ErrLink = errors.New("symbolic link not followed")
	// ErrLFS: the file is a Git LFS pointer, and its content cannot be had.
	ErrLFS = errors.New("is a Git LFS pointer")
	// ErrIsDir: a file was asked for and the path is a directory.
	ErrIsDir = errors.New("is a directory")
	// ErrNotDir: a directory was asked for and the path is a file.
	ErrNotDir = errors.New("is not a directory")
	// ErrMalformed: the directory is one that no Git would write.
	ErrMalformed = errors.New("malformed tree")

	// errUnreadable marks trouble below the tree (a damaged object, a closed
	// store). It says nothing about the commit, so facts with it never hold.
	errUnreadable = errors.New("unreadable")
)

// A failure is why a path of a tree could not be read. Its text speaks of paths
// and links only, so it is equal on all commits that fail alike.
type failure struct {
	kind error
	text string
}

func failf(kind error, format string, args ...any) *failure {
	return &failure{kind, fmt.Sprintf(format, args...)}
}

func (f *failure) Error() string { return f.text }
func (f *failure) Unwrap() error { return f.kind }

// unreadable wraps an error of the object store or the disk.
func unreadable(path string, err error) error {
	return fmt.Errorf("%w: %s: %w", errUnreadable, path, err)
}

// within dresses err as the io/fs package wants it.
func within(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// An Error is trouble with a repository: where, what, why and what next. Its
// text has no credentials in it, whatever the server said.
type Error struct {
	URL  string // without user and password
	Kind error  // one of the sentinels above
	What string // the cause, in words
	Hint string // what a person can do, or ""

	cause error // of the context, for errors.Is
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %v", e.URL, e.Kind)
	if e.What != "" {
		text += ": " + e.What
	}
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	return text
}

// Unwrap leads to the sentinel, and to the context's error if that was the cause.
func (e *Error) Unwrap() []error {
	if e.cause == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.cause}
}
